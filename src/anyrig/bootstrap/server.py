"""A server: its loops and its HTTP side, until it is told to end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette

from anyrig.bootstrap import nodes
from anyrig.bootstrap.answering import answering
from anyrig.bootstrap.builds import announcing_around, builds_around
from anyrig.bootstrap.ground import Ground
from anyrig.bootstrap.parts import open_lab
from anyrig.bootstrap.private import write_private
from anyrig.bus.endpoint import Endpoint
from anyrig.core.buckets import Rate
from anyrig.core.users import Principal, Role
from anyrig.engine import access, background, builds, projects
from anyrig.engine.announcing import loop as announcing
from anyrig.engine.announcing.base import Around
from anyrig.engine.lab import Lab
from anyrig.server.app import Surroundings, build, load
from anyrig.server.builds_around import Ending
from anyrig.server.limits import RateLimits, Traffic
from anyrig.settings import ServerSettings, read
from anyrig.storage.sql import access as sql

SYSTEM = Principal("anyrig", Role.ADMIN, "")
"""Who does what nobody asked for."""
ADMIN = "admin"
TOKEN_FILE = "admin.token"  # noqa: S105 - the name of a file


async def _at_once(_ending: Ending) -> None:
    pass


async def serve(
    settings: ServerSettings,
    ground: Ground,
    packs: Sequence[tuple[str, str | None]],
    stop: asyncio.Event,
    ready: Callable[[Lab], Awaitable[None]],
    leave: Callable[[Ending], Awaitable[None]] = _at_once,
) -> None:
    """Serve until ``stop`` is set.

    ``ready`` runs once requests are answered, and ``leave`` at the end, while they still are: it is told
    whether the server is to start again.
    """
    async with open_lab(settings, ground.endpoint) as lab:
        await _first_start(settings.data, lab)
        for name, source in packs:
            await projects.follow(lab, SYSTEM, name, source)
        if ground.endpoint.issuer_seed:
            await background.admit_agents(lab, ground.endpoint.issuer_seed, ground.endpoint.account)
        ending, around = _Ending(stop, settings.data), announcing_around(settings, ground.url)
        app = build(lab, _surroundings(settings, ground.endpoint, ending))
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(background.run(lab)), group.create_task(_announce(lab, around))]
            async with answering(app, ground.listening, lab.waiters, settings.trusted_proxies):
                beginning = group.create_task(_begin(app, lab, ready))
                await stop.wait()
                beginning.cancel()
                await leave(ending.chosen)
            for loop in loops:
                loop.cancel()


async def _begin(app: Starlette, lab: Lab, ready: Callable[[Lab], Awaitable[None]]) -> None:
    await ready(lab)
    await load(app)


async def _first_start(data: Path, lab: Lab) -> None:
    """Make the user ``admin`` and its token, kept in a file that only we can read."""
    if await lab.db.read(lambda c: sql.user_role(c, ADMIN)) is None:
        _, printed = await access.create_token(lab.db, ADMIN, Role.ADMIN, lab.now())
        write_private(data / TOKEN_FILE, printed + "\n")


async def _announce(lab: Lab, around: Around) -> None:
    await announcing.run(lab, lambda number: builds.numbered(lab, number), around)


class _Ending:
    """What somebody has told the server to do by its API."""

    def __init__(self, stop: asyncio.Event, data: Path) -> None:
        self._stop = stop
        self._data = data
        self.chosen = Ending.STOP

    def __call__(self, ending: Ending) -> None:
        """Raises Invalid: a server with the settings as they are now would not start again."""
        if ending is Ending.RESTART:
            builds_around(read(data=self._data), self)
            nodes.from_file(self._data / nodes.CONFIG)
        self.chosen = ending
        self._stop.set()


def _surroundings(settings: ServerSettings, endpoint: Endpoint, end: _Ending) -> Surroundings:
    return Surroundings(
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
        builds=builds_around(settings, end),
    )
