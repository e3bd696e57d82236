"""Everything on one machine: a server, and an agent in a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from anyrig.agent.child import Child
from anyrig.agent.machine import Identity
from anyrig.bootstrap.agent import IDENTITY_FILE, keep_identity
from anyrig.bootstrap.server import ADMIN, TOKEN_FILE, serve
from anyrig.engine import access, presence, reads
from anyrig.engine.lab import Lab
from anyrig.settings import ServerSettings

LOCAL = "local"
"""The agent that runs here; its nodes are local-1, local-2 …"""
_AGENT_SECONDS = 10.0


async def up(
    settings: ServerSettings,
    packs: Sequence[tuple[str, str | None]],
    slots: int,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """A server and, with ``slots`` nodes, an agent in a process of its own; until ``stop`` is set."""
    first = not (settings.data / TOKEN_FILE).exists()
    listening: asyncio.Queue[tuple[Lab, str]] = asyncio.Queue()
    server_stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(
            serve(settings, packs, server_stop, lambda lab, url: listening.put_nowait((lab, url)))
        )
        getting = group.create_task(listening.get())
        await asyncio.wait({serving, getting}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            return
        lab, url = getting.result()
        if first:
            printed = await asyncio.to_thread((settings.data / TOKEN_FILE).read_text)
            say(f"token of user {ADMIN}: {printed.strip()}")
        async with _agent_beside(settings, lab, url, slots):
            say(f"ready {url}")
            await stop.wait()
        server_stop.set()


@asynccontextmanager
async def _agent_beside(settings: ServerSettings, lab: Lab, url: str, slots: int) -> AsyncIterator[None]:
    """An agent on this machine, started again when it dies; there once its nodes are online."""
    if not slots:
        yield
        return
    folder = settings.data / "agent"
    folder.mkdir(exist_ok=True, mode=0o700)
    if not (folder / IDENTITY_FILE).exists():
        secret = await access.create_agent(lab.db, LOCAL, ADMIN, lab.now())
        keep_identity(folder, Identity(LOCAL, secret))
    arguments = ["agent", "--server", url, "--name", LOCAL, "--data", str(folder), "--slots", str(slots)]
    async with Child([sys.executable, "-m", "anyrig", *arguments]):
        await _online(lab, slots)
        yield


async def _online(lab: Lab, nodes: int) -> None:
    """Wait until the local agent's nodes are there, or for ten seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_AGENT_SECONDS):
            while True:
                with lab.waiters.waiting(presence.TOPIC) as wait:
                    if (await reads.tally(lab)).nodes["online"] >= nodes:
                        return
                    await wait(_AGENT_SECONDS)
