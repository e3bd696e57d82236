"""NATS as a child: it starts, dies, comes back, and goes when we go."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from anyrig.bus import subjects
from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.bus.server import NatsServer
from anyrig.core.errors import Conflict, Unauthenticated, Unavailable

PARENT = """
import asyncio, sys
from pathlib import Path
from anyrig.bus.server import NatsServer

async def main():
    async with NatsServer(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_alive(pid):  # noqa: ASYNC110 - it is not our child
            await asyncio.sleep(0.01)


class Survivors:
    """Everything a client may have going while its server dies."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.jobs: asyncio.Queue[Delivery] = asyncio.Queue()
        self.events: asyncio.Queue[bytes] = asyncio.Queue()
        self.present: asyncio.Queue[str] = asyncio.Queue()
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.back = asyncio.Event()

    async def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        await self.bus.ensure_streams()
        await self.bus.ensure_node_consumer("tv1")
        self.bus.on_reconnect(self._came_back)
        await self.bus.subscribe(subjects.rpc("tv1", "status"), self._echo)
        loops = (
            self.bus.consume(subjects.JOBS, "tv1", 1, self._work),
            self.bus.watch_presence(self._note),
            self._tail(),
        )
        return [tasks.create_task(loop) for loop in loops]

    async def _came_back(self) -> None:
        self.back.set()

    async def _echo(self, message: Message) -> bytes:
        return message.data

    async def _work(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self.jobs.put(delivery)

    async def ingest(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self.events.put(delivery.data)
            await delivery.ack()

    async def _note(self, node: str, payload: bytes | None) -> None:
        if payload is not None:
            await self.present.put(node)

    async def _tail(self) -> None:
        async for _, chunk in self.bus.read_log(7, 1, "tv1", follow=True):
            await self.chunks.put(chunk)


async def test_after_kill_9_the_server_comes_back_and_nothing_is_lost(tmp_path: Path) -> None:
    async with asyncio.timeout(30), NatsServer(tmp_path / "nats") as server:
        url, pid = server.url, server.pid
        async with Bus.connect(server.endpoint, name="server") as bus, asyncio.TaskGroup() as tasks:
            going = Survivors(bus)
            loops = await going.start(tasks)
            await bus.publish(subjects.event("tv1", 7), b"before")
            await bus.log_publish("tv1", 7, 1, 0, b"one\n")
            assert await going.chunks.get() == b"one\n"
            await bus.publish(subjects.job("tv1"), b"held")
            held = await going.jobs.get()

            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await bus.publish(subjects.event("tv1", 7), b"after")
            await going.back.wait()
            assert server.pid != pid
            assert server.url == url
            await held.ack()  # it was delivered over the connection that is gone
            await bus.publish(subjects.job("tv1"), b"next")
            while (job := await going.jobs.get()).data == b"held":
                await job.ack()  # that it was delivered may not have been on disk: at least once
            assert job.data == b"next"
            await bus.log_publish("tv1", 7, 1, 4, b"two\n")
            assert await going.chunks.get() == b"two\n"
            await bus.presence_put("tv1", b"{}")
            assert await going.present.get() == "tv1"
            assert await bus.request(subjects.rpc("tv1", "status"), b"up?", 5.0) == b"up?"
            loops.append(tasks.create_task(bus.consume(subjects.EVENTS, subjects.INGEST, 8, going.ingest)))
            assert [await going.events.get() for _ in range(2)] == [b"before", b"after"]
            for loop in loops:
                loop.cancel()


async def test_a_client_that_asks_where_the_bus_is_follows_it(tmp_path: Path) -> None:
    back = asyncio.Event()
    answers: asyncio.Queue[Endpoint | Unavailable] = asyncio.Queue()

    async def locate() -> Endpoint:
        answer = await answers.get()
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    async def on_reconnect() -> None:
        back.set()

    async with asyncio.timeout(20), NatsServer(tmp_path / "new") as new:
        async with NatsServer(tmp_path / "old") as old:
            await answers.put(old.endpoint)
            bus = await Bus.connect(locate, name="server").__aenter__()
            bus.on_reconnect(on_reconnect)
        try:
            await answers.put(Unavailable(what="the farm", reason="it moves"))
            await answers.put(new.endpoint)
            await back.wait()
            await bus.ensure_streams()
        finally:
            await bus.__aexit__(None, None, None)


async def test_a_client_that_cannot_be_told_where_the_bus_is_ends() -> None:
    async def locate() -> Endpoint:
        raise Unauthenticated

    with pytest.RaisesGroup(Unauthenticated):
        async with Bus.connect(locate, name="server", patience=None):
            pass


async def test_a_request_under_way_fails_at_once_when_the_server_dies(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never(message: Message) -> None:
        asked.set()

    async with NatsServer(tmp_path / "nats") as server, Bus.connect(server.endpoint, name="server") as bus:
        await bus.subscribe(subjects.rpc("tv1", "status"), never)
        with pytest.RaisesGroup(pytest.RaisesExc(Unavailable, match="connection was lost")):
            async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
                tasks.create_task(bus.request(subjects.rpc("tv1", "status"), b"", 600.0))
                await asked.wait()
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)


async def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as first:
        with pytest.raises(Conflict, match="another server uses the folder"):
            async with NatsServer(tmp_path / "nats"):
                pass
        async with Bus.connect(first.endpoint, name="server") as bus:
            assert bus.connected


async def test_what_is_stored_is_there_after_a_clean_stop(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as server, Bus.connect(server.endpoint, name="first") as bus:
        await bus.ensure_streams()
        await bus.log_publish("tv1", 7, 1, 0, b"kept\n")
        pid = server.pid
    assert pid is not None
    assert not is_alive(pid)
    async with NatsServer(tmp_path / "nats") as server, Bus.connect(server.endpoint, name="second") as bus:
        assert [chunk async for chunk in bus.read_log(7, 1, "tv1", follow=False)] == [(0, b"kept\n")]


async def test_its_secrets_are_for_our_eyes_only(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as server:
        assert stat.S_IMODE((tmp_path / "nats").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "nats" / "nats.json").stat().st_mode) == 0o600
        assert server.credentials[1] not in repr(server.endpoint)
        assert server.url.startswith("nats://127.0.0.1:")
        assert server.websocket_url.startswith("ws://127.0.0.1:")


async def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "nats"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(20):
        child = int(await parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    await parent.wait()
    await gone(child)
    async with NatsServer(tmp_path / "nats") as server:
        assert server.pid != child


async def test_why_it_does_not_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "store").write_text("in the way")
    with pytest.raises(Unavailable, match="nats-server is not available right now"):
        async with NatsServer(tmp_path / "nats"):
            pass
    (tmp_path / "nats" / "store").unlink()
    async with NatsServer(tmp_path / "nats"):
        pass
