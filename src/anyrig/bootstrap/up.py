"""Everything on one machine: a server, and an agent in a process of its own.

The agent is started first of all, and the server is loaded meanwhile; that is what takes time.
"""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from anyrig import __version__
from anyrig.agent.child import Child, end_adopted
from anyrig.agent.identity import Identity
from anyrig.bootstrap import ground, nodes
from anyrig.bootstrap.handover import Handover, kept_open, taken
from anyrig.bootstrap.private import keep_identity, kept_identity
from anyrig.bootstrap.unneeded import unneeded
from anyrig.settings import ServerSettings

if TYPE_CHECKING:
    from anyrig.engine.lab import Lab

LOCAL = "local"
"""The agent that runs here; its nodes are local-1, local-2 …"""
_AGENT_SECONDS = 10.0
Packs = Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class LocalNodes:
    """What the agent beside the server offers: so many nodes without a device, and those with one.

    The latter are described by the table ``node`` of ``anyrig.toml``, and by values of ``--device``.
    """

    slots: int
    devices: Sequence[str] = ()


async def up(
    settings: ServerSettings,
    packs: Packs,
    local: LocalNodes | None,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> Handover | None:
    """A server and, with ``local`` nodes, an agent in a process of its own; until ``stop`` is set.

    Returns what is left to the next start, if somebody asked for one.
    """
    before = taken()
    async with (
        ground.laid(settings, before.listening) as under,
        _LocalAgent(settings.data, under.url, local, before) as agent,
    ):
        with unneeded("aiohttp"):
            from anyrig.bootstrap import server  # noqa: PLC0415 - slow, and the agent loads meanwhile
            from anyrig.server.builds_around import Ending  # noqa: PLC0415 - comes with it
        first = not (settings.data / server.TOKEN_FILE).exists()

        async def ready(lab: "Lab") -> None:
            if first:
                printed = await asyncio.to_thread((settings.data / server.TOKEN_FILE).read_text)
                say(f"token of user {server.ADMIN}: {printed.strip()}")
            await agent.join(lab)
            say(f"ready {under.url}")

        left: list[Handover] = []

        async def leave(ending: Ending) -> None:
            if ending is Ending.RESTART:
                left.append(await agent.left(kept_open(under.listening)))
            else:
                await agent.end()

        await server.serve(settings, under, packs, stop, ready, leave)
        return left[0] if left else None


async def server_alone(
    settings: ServerSettings, packs: Packs, stop: asyncio.Event, say: Callable[[str], None]
) -> Handover | None:
    """A server, until ``stop`` is set; agents come from elsewhere. Returns as ``up``."""
    async with ground.laid(settings, taken().listening) as under:
        with unneeded("aiohttp"):
            from anyrig.bootstrap import server  # noqa: PLC0415 - as above
            from anyrig.server.builds_around import Ending  # noqa: PLC0415 - as above

        async def ready(_lab: "Lab") -> None:
            say(f"ready {under.url}")

        left: list[Handover] = []

        async def leave(ending: Ending) -> None:
            if ending is Ending.RESTART:
                left.append(Handover(kept_open(under.listening)))

        await server.serve(settings, under, packs, stop, ready, leave)
        return left[0] if left else None


class _LocalAgent:
    """An agent on this machine, started again when it dies. Only its first start waits for the server."""

    def __init__(self, data: Path, url: str, local: LocalNodes | None, before: Handover) -> None:
        self._folder = data / "agent"
        self._nodes = 0 if local is None else local.slots + _with_device(data, local)
        self._argv = [] if local is None else _argv(data, url, local)
        self._running = AsyncExitStack()
        self._child: Child | None = None
        self._before = before
        self._mark = _mark(self._argv, data)
        self._is_made = False

    async def __aenter__(self) -> Self:
        if self._nodes:
            self._is_made = await asyncio.to_thread(kept_identity, self._folder) is not None
        adopted = self._before.agent
        if adopted is not None and (self._before.mark != self._mark or not self._is_made):
            await end_adopted(adopted)  # it was started otherwise than it would be now
            adopted = None
        if self._is_made:
            await self._start(adopted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()

    async def _start(self, adopted: int | None = None) -> None:
        self._child = await self._running.enter_async_context(Child(self._argv, adopted))

    async def left(self, listening: int) -> Handover:
        """It runs on, for the next start of the server."""
        pid = await self._child.leave() if self._child else None
        return Handover(listening, pid, self._mark)

    async def join(self, lab: "Lab") -> None:
        """Make it and start it, if that has not been done; there once its nodes are online."""
        if not self._nodes:
            return
        if not self._is_made:
            from anyrig.engine import access  # noqa: PLC0415 - loaded with the server

            secret = await access.create_agent(lab.db, LOCAL, "admin", lab.now())
            keep_identity(self._folder, Identity(LOCAL, secret))
            await self._start()
        await _online(lab, self._nodes)

    async def end(self) -> None:
        """Once what it ran has ended, and the server knows."""
        await self._running.aclose()


def _mark(argv: Sequence[str], data: Path) -> str:
    """Changes with whatever the agent is told at its start."""
    config = data / nodes.CONFIG
    told = "\0".join([*argv, __version__]).encode() + (config.read_bytes() if config.exists() else b"")
    return hashlib.sha256(told).hexdigest()


def _with_device(data: Path, local: LocalNodes) -> int:
    """How many. Raises Invalid when they are not described right: nobody reads what the agent says."""
    described = [*nodes.from_file(data / nodes.CONFIG), *nodes.from_flags(local.devices)]
    return len(nodes.served((), described, (), ()).nodes)


def _argv(data: Path, url: str, local: LocalNodes) -> list[str]:
    options = ["--server", url, "--data", str(data / "agent"), "--name", LOCAL, "--slots", str(local.slots)]
    options += ["--config", str(data / nodes.CONFIG)]
    options += [word for device in local.devices for word in ("--device", device)]
    return [sys.executable, "-m", "anyrig", "agent", *options]


async def _online(lab: "Lab", expected: int) -> None:
    """Wait until the local agent's nodes are there, or for ten seconds."""
    from anyrig.engine import presence, reads  # noqa: PLC0415 - loaded with the server

    with suppress(TimeoutError):
        async with asyncio.timeout(_AGENT_SECONDS):
            while True:
                with lab.waiters.waiting(presence.TOPIC) as wait:
                    if (await reads.tally(lab)).nodes["online"] >= expected:
                        return
                    await wait(_AGENT_SECONDS)
