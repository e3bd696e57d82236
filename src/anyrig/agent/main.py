"""The agent's whole life: enrol, connect, serve its nodes, and say every ten seconds that they are there."""

import asyncio
import fcntl
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from anyrig.agent.enrolment import Enrolment
from anyrig.agent.journal import Journal
from anyrig.agent.machine import AgentSettings, Machine, local_address
from anyrig.agent.uploads import Uploads
from anyrig.agent.worker import Worker
from anyrig.bus import subjects
from anyrig.bus.client import Bus
from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Conflict, Unavailable
from anyrig.executors.environments import Keep, sweep
from anyrig.packs.checkout import Checkouts

if TYPE_CHECKING:
    from anyrig.agent.rig import Rig

log = logging.getLogger(__name__)
_GOODBYE_SECONDS = 10.0
_TIDY_SECONDS = 300.0


async def run(settings: AgentSettings, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. A server that is away is waited for.

    Raises:
        Conflict: Another agent uses the folder.
        Unauthenticated: The server does not know this agent.
    """
    for name in ("tasks", "scratch", "cache"):
        (settings.folder / name).mkdir(parents=True, exist_ok=True)
    with _alone(settings.folder):
        async with aiohttp.ClientSession() as session:
            await _serve(settings, session, stop)


async def _serve(settings: AgentSettings, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
    machine = _machine(settings, session)
    enrolment = Enrolment(session, settings)
    name = settings.identity.name
    bus = Bus.connect(enrolment.locate, name=name, inbox=subjects.inbox(name), patience=None)
    async with bus, AsyncExitStack() as devices, asyncio.TaskGroup() as group:
        rigs = {node: await _rig(node, device, devices) for node, device in settings.devices.items()}
        workers = [Worker(machine, bus, node.name, group, rigs.get(node.name)) for node in settings.nodes]
        _resume(machine, workers)
        loops = [group.create_task(worker.serve()) for worker in workers]
        loops.append(group.create_task(_presence(enrolment, bus, workers)))
        loops.append(group.create_task(_tidy(machine, settings.keep)))
        await stop.wait()
        for loop in loops:
            loop.cancel()
        await _goodbye(bus, workers)


async def _rig(node: str, config: DeviceConfig, stack: AsyncExitStack) -> "Rig":
    """A device, from now on in a process of its own."""
    from anyrig.agent.rig import Rig  # noqa: PLC0415 - agents without devices start without it
    from anyrig.devices.client import DeviceProcess  # noqa: PLC0415

    return Rig(node, await stack.enter_async_context(DeviceProcess(config)))


def _machine(settings: AgentSettings, session: aiohttp.ClientSession) -> Machine:
    identity = settings.identity
    return Machine(
        agent=identity.name,
        boot_id=secrets.token_hex(8),
        version=settings.version,
        local_ip=local_address(urlsplit(settings.server).hostname or "localhost"),
        folder=settings.folder,
        server=settings.server.rstrip("/"),
        token=identity.printed,
        uploads=Uploads(session, settings.server, identity.printed),
        checkouts=Checkouts(settings.folder / "packs"),
    )


def _resume(machine: Machine, workers: Sequence[Worker]) -> None:
    """Give each node what an earlier start of this agent left of its task."""
    by_node = {worker.node: worker for worker in workers}
    for folder in sorted(machine.tasks.iterdir()):
        journal = Journal.load(folder)
        worker = by_node.get(journal.opened.spec.node) if journal else None
        if journal is not None and worker is not None:
            worker.resume(journal)


async def _presence(enrolment: Enrolment, bus: Bus, workers: Sequence[Worker]) -> None:
    async def hello() -> None:
        await asyncio.gather(*(worker.hello() for worker in workers))

    await hello()
    bus.on_reconnect(hello)
    while True:
        for worker in workers:
            with suppress(Unavailable):
                await worker.say_present()
        await asyncio.sleep(enrolment.presence_seconds)


async def _tidy(machine: Machine, keep: Keep) -> None:
    while True:
        try:
            await asyncio.to_thread(sweep, machine.cache, keep)
        except OSError as error:
            log.warning("the cache cannot be looked after: %s", error)
        await asyncio.sleep(_TIDY_SECONDS)


async def _goodbye(bus: Bus, workers: Sequence[Worker]) -> None:
    """End what runs, and bring its end home if the server is there; the rest is in the journals."""
    with suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await asyncio.gather(*(worker.shut_down() for worker in workers))
            for worker in workers:
                await bus.presence_remove(worker.node)
    for worker in workers:
        worker.cancel()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(reason=f"another agent uses {folder}") from None
    else:
        yield
    finally:
        os.close(lock)
