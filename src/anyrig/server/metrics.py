"""What operators watch: requests by dialect and status, and what the lab is doing."""

import time

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anyrig.engine import reads
from anyrig.server.web import lab_of

REQUESTS = Counter("anyrig_http_requests_total", "HTTP requests", ["part", "method", "status"])
SECONDS = Histogram(
    "anyrig_http_request_seconds",
    "Time until the answer began",
    ["part"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60),
)
JOBS = Gauge("anyrig_jobs", "Jobs that are not over", ["state"])
NODES = Gauge("anyrig_nodes", "Nodes", ["state"])
_PARTS = ("api/v2", "api/v3", "api/v1", "web", "mobile", "git", "app", "github", "nats")


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        part, began = _part(scope["path"]), time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(part, scope["method"], message["status"]).inc()
                SECONDS.labels(part).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)


def _part(path: str) -> str:
    """``api`` is the one of Sloth CI."""
    if path == "/":
        return "api"
    return next((part for part in _PARTS if path.startswith(f"/{part}")), "other")


async def metrics(request: Request) -> Response:
    """The Prometheus text format."""
    tally = await reads.tally(lab_of(request))
    for gauge, counts in ((JOBS, tally.jobs), (NODES, tally.nodes)):
        gauge.clear()
        for state, count in counts.items():
            gauge.labels(state).set(count)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
