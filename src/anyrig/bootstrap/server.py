"""A server: its loops and its HTTP side, until it is told to end."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from anyrig.bootstrap.parts import open_lab
from anyrig.bootstrap.private import write_private
from anyrig.bus.endpoint import Endpoint
from anyrig.core.buckets import Rate
from anyrig.core.users import Principal, Role
from anyrig.engine import access, background, projects
from anyrig.engine.lab import Lab
from anyrig.server.app import Surroundings, build
from anyrig.server.limits import RateLimits, Traffic
from anyrig.settings import ServerSettings
from anyrig.storage.sql import access as sql

SYSTEM = Principal("anyrig", Role.ADMIN, "")
"""Who does what nobody asked for."""
ADMIN = "admin"
TOKEN_FILE = "admin.token"  # noqa: S105 - the name of a file


async def serve(
    settings: ServerSettings,
    packs: Sequence[tuple[str, str | None]],
    stop: asyncio.Event,
    ready: Callable[[Lab, str], None],
) -> None:
    """Serve until ``stop`` is set; ``ready`` gets the lab and the URL once requests are answered."""
    async with open_lab(settings) as (lab, endpoint):
        await _first_start(settings.data, lab)
        for name, source in packs:
            await projects.follow(lab, SYSTEM, name, source)
        if endpoint.issuer_seed:
            await background.admit_agents(lab, endpoint.issuer_seed, endpoint.account)
        async with asyncio.TaskGroup() as group:
            loops = group.create_task(background.run(lab))
            await _serve_http(settings, lab, endpoint, stop, ready)
            loops.cancel()


async def _first_start(data: Path, lab: Lab) -> None:
    """Make the user ``admin`` and its token, kept in a file that only we can read."""
    if await lab.db.read(lambda c: sql.user_role(c, ADMIN)) is None:
        _, printed = await access.create_token(lab.db, ADMIN, Role.ADMIN, lab.now())
        write_private(data / TOKEN_FILE, printed + "\n")


async def _serve_http(
    settings: ServerSettings,
    lab: Lab,
    endpoint: Endpoint,
    stop: asyncio.Event,
    ready: Callable[[Lab, str], None],
) -> None:
    around = Surroundings(
        public_url=settings.public_url,
        bus_url=endpoint.url,
        bus_is_shared=settings.nats_url is not None and endpoint.websocket_url is None,
        websocket_url=endpoint.websocket_url,
        limits=RateLimits(
            {
                Traffic.ORDINARY: Rate(settings.rate, 10 * settings.rate),
                Traffic.DOWNLOAD: Rate(4 * settings.rate, 40 * settings.rate),
            }
        ),
        hold=settings.hold_seconds,
    )
    config = uvicorn.Config(
        build(lab, around),
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listening]))
        await server.listening.wait()
        ready(lab, f"http://{shown}:{port}")
        await stop.wait()
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
