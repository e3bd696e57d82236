"""Who is there, and who is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint

Seen = tuple[str, bytes | None]
Watch = Callable[[], Awaitable[asyncio.Queue[Seen]]]


@pytest.fixture
async def short(nats_endpoint: Endpoint) -> AsyncIterator[Bus]:
    """A bus on which a node that is silent for a second is gone."""
    async with Bus.connect(nats_endpoint, name="server") as bus:
        await bus.ensure_streams(presence_ttl=1.0)
        yield bus


@pytest.fixture
async def watch(short: Bus, node: str) -> AsyncIterator[Watch]:
    """Starts to watch the test's own node."""
    async with asyncio.TaskGroup() as tasks:
        watchers: list[asyncio.Task[None]] = []

        async def start() -> asyncio.Queue[Seen]:
            seen: asyncio.Queue[Seen] = asyncio.Queue()

            async def note(name: str, payload: bytes | None) -> None:
                if name == node:
                    await seen.put((name, payload))

            watchers.append(tasks.create_task(short.watch_presence(note)))
            return seen

        yield start
        for watcher in watchers:
            watcher.cancel()


async def test_a_node_that_falls_silent_is_gone(short: Bus, watch: Watch, node: str) -> None:
    seen = await watch()
    async with asyncio.timeout(10):
        await short.presence_put(node, b"here")
        assert await seen.get() == (node, b"here")
        await short.presence_put(node, b"still here")
        assert await seen.get() == (node, b"still here")
        assert await seen.get() == (node, None)
        await short.presence_put(node, b"back")
        assert await seen.get() == (node, b"back")


async def test_a_late_watcher_learns_who_is_there(bus: Bus, watch: Watch, node: str) -> None:
    await bus.presence_put(node, b"first")
    await bus.presence_put(node, b"latest")
    seen = await watch()
    async with asyncio.timeout(10):
        assert await seen.get() == (node, b"latest")


async def test_a_node_that_says_goodbye_is_gone_at_once(short: Bus, watch: Watch, node: str) -> None:
    await short.ensure_streams(presence_ttl=600.0)
    seen = await watch()
    async with asyncio.timeout(10):
        await short.presence_put(node, b"here")
        assert await seen.get() == (node, b"here")
        await short.presence_remove(node)
        assert await seen.get() == (node, None)


async def test_a_watcher_survives_a_handler_that_fails(
    bus: Bus, node: str, caplog: pytest.LogCaptureFixture
) -> None:
    called: asyncio.Queue[str] = asyncio.Queue()

    async def fail(name: str, payload: bytes | None) -> None:
        if name == node:
            await called.put(name)
            raise RuntimeError("no room for this node")

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(bus.watch_presence(fail))
        for _ in range(2):
            await bus.presence_put(node, b"here")
            assert await called.get() == node
        watcher.cancel()
    assert "no room for this node" in caplog.text
