"""Agents that reach NATS through our own port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from anyrig.bus import subjects
from anyrig.bus.client import Bus
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.bus.server import NatsServer
from anyrig.core.errors import BusUnavailable
from anyrig.server.nats_proxy import nats_route

Enter = Callable[..., Awaitable[Bus]]


class Web(uvicorn.Server):
    """uvicorn that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def web(upstream: str, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """A web server with nothing but the proxy; gives its URL."""
    with listener or socket.create_server(("127.0.0.1", 0)) as listening:
        app = Starlette(routes=[nats_route(upstream)])
        server = Web(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listening]))
            await server.listening.wait()
            yield f"ws://127.0.0.1:{listening.getsockname()[1]}/nats"
            server.should_exit = True


@pytest.fixture
async def proxy(nats: NatsServer) -> AsyncIterator[str]:
    async with web(nats.websocket_url) as url:
        yield url


async def echo(message: Message) -> bytes:
    return message.data


async def test_an_agent_works_through_our_own_port(bus: Bus, enter: Enter, node: str, proxy: str) -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await delivery.ack()
            await arrived.put(delivery.data)

    agent = await enter(node, node, url=proxy)
    await bus.ensure_node_consumer(node)
    await agent.subscribe(subjects.rpc(node, "screenshot"), echo)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(agent.consume(subjects.JOBS, node, 1, take))
        await bus.publish(subjects.job(node), b"work")
        assert await arrived.get() == b"work"
        picture = bytes(range(256)) * 16 * 1024
        assert await bus.request(subjects.rpc(node, "screenshot"), picture, 10.0) == picture
        for number in range(50):
            await agent.log_publish(node, 7, 1, number * 65536, bytes(65536))
        log = [chunk async for _, chunk in bus.read_log(7, 1, node, follow=False)]
        assert len(b"".join(log)) == 50 * 65536
        loop.cancel()


async def test_the_proxy_lets_nobody_in_by_itself(enter: Enter, node: str, proxy: str) -> None:
    with pytest.raises(BusUnavailable, match=r"(?i)authorization violation"):
        await enter(node, node, secret="wrong", url=proxy, patience=1.0)


async def test_an_agent_comes_back_after_the_web_server_was_restarted(
    nats: NatsServer, bus: Bus, enter: Enter, node: str
) -> None:
    back = asyncio.Event()

    async def on_reconnect() -> None:
        back.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.timeout(20):
            async with web(nats.websocket_url, listener.dup()) as url:
                agent = await enter(node, node, url=url)
                await agent.subscribe(subjects.rpc(node, "status"), echo)
                agent.on_reconnect(on_reconnect)
            async with web(nats.websocket_url, listener.dup()):
                await back.wait()
                assert await bus.request(subjects.rpc(node, "status"), b"up?", 5.0) == b"up?"


async def test_without_nats_the_proxy_says_503() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with web(f"ws://127.0.0.1:{free.getsockname()[1]}") as url:
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, proxy=None)
    assert refused.value.response.status_code == 503


async def test_a_frame_of_text_ends_the_connection(proxy: str) -> None:
    async with asyncio.timeout(10), connect(proxy, proxy=None) as client:
        assert b"INFO" in await client.recv(decode=False)
        await client.send("hello")
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def test_when_nats_ends_the_agents_connection_ends(proxy: str) -> None:
    async with asyncio.timeout(10), connect(proxy, proxy=None) as client:
        await client.recv()
        await client.send(b"nonsense\r\n")
        answer = await client.recv(decode=False)
        assert answer.startswith(b"-ERR")
        with pytest.raises(ConnectionClosed):
            await client.recv()
