"""The ASGI application: dialects side by side on one origin."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from anyrig.core.errors import (
    AnyrigError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from anyrig.engine import filtering, reads
from anyrig.engine.lab import Lab
from anyrig.server import agents, auth, git, nats_proxy, portal
from anyrig.server.builds_around import BuildsAround
from anyrig.server.dialects import Dialect, native, sloth, stbt
from anyrig.server.late import Late
from anyrig.server.limits import RateLimits
from anyrig.server.metrics import Measured, metrics
from anyrig.server.portal import drawing
from anyrig.server.web import OnePath, lab_of, text_response

DIALECTS: tuple[Dialect, ...] = (native, stbt, sloth)
"""In the order in which paths are looked up: what is one route goes before what is dozens."""
_STATUS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Gone, 410),
    (Conflict, 409),
    (Invalid, 400),
    (TooManyRequests, 429),
    (AnyrigError, 503),
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the application has to know of where it runs."""

    public_url: str | None
    """How clients reach us; None: as their requests say."""
    bus_url: str
    """Where the bus takes agents directly."""
    bus_is_shared: bool
    """Whether that is a cluster which every agent can reach, not a child of ours on loopback."""
    websocket_url: str | None
    """Where the bus takes the WebSockets that come in through our own port."""
    limits: RateLimits
    hold: float
    """For how many seconds a long poll is held."""
    builds: BuildsAround


def build(lab: Lab, around: Surroundings) -> Starlette:
    """The application; its state carries the lab and the surroundings."""
    app = Starlette(
        routes=_routes(lab, around),
        middleware=[Middleware(Measured), Middleware(OnePath)],
        exception_handlers={AnyrigError: _refused},
    )
    app.state.lab = lab
    app.state.around = around
    app.state.limits = around.limits
    app.state.hold = around.hold
    return app


async def load(app: Starlette) -> None:
    """What a start does not wait for, so that no request has to: see ``Late``."""
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, Late):
            await route.app.load()
    await asyncio.to_thread(_load_words)


def _load_words() -> None:
    drawing.templates()
    filtering.parse("result:pass", "UTC", 0)


def _routes(lab: Lab, around: Surroundings) -> Sequence[BaseRoute]:
    async def git_user(request: HTTPConnection, project: str, write: bool) -> str:
        return await auth.git_user(request, lab.access, lab.now(), project, write=write)

    routes: list[BaseRoute] = [
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route("/metrics", metrics),
        *agents.routes(lab.objects),  # before the native API, which takes all else below /api/v3
        *(route for dialect in DIALECTS for route in dialect.routes()),
        *git.routes(lab.packs, git_user),
        *portal.routes(),
    ]
    if around.websocket_url:
        routes.append(nats_proxy.nats_route(around.websocket_url))
    return routes


async def _refused(_request: Request, error: Exception) -> Response:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return text_response(str(error), status)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(request: Request) -> Response:
    """200 when the database and the bus answer, else 503 and which does not."""
    missing = await reads.missing_parts(lab_of(request))
    return text_response(
        "ready" if not missing else f"not ready: {', '.join(missing)}", 503 if missing else 200
    )
