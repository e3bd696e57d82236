"""A real nats-server for all tests of the bus, and agents that come in through the callout."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from anyrig.bus import callout, subjects
from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.server import NatsServer

SECRET = "s3cret"
_numbers = itertools.count(1)


Enter = Callable[..., Awaitable[Bus]]
"""``await enter(agent, *nodes, secret=…, url=…)``: the bus of an agent that serves these nodes."""


@pytest.fixture(scope="module")
async def nats(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NatsServer]:
    async with NatsServer(Path(tmp_path_factory.mktemp("nats"))) as server:
        yield server


@pytest.fixture
def nats_endpoint(nats: NatsServer) -> Endpoint:
    return nats.endpoint


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    """The bus of a server, with all streams."""
    async with Bus.connect(nats.endpoint, name="server") as bus:
        await bus.ensure_streams()
        yield bus


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Names that no other test uses, for they all share one server."""
    return lambda: f"n{next(_numbers)}"


@pytest.fixture
def node(new_name: Callable[[], str]) -> str:
    return new_name()


@pytest.fixture
async def enter(nats: NatsServer, bus: Bus) -> AsyncIterator[Enter]:
    served: dict[str, tuple[str, ...]] = {}

    async def authorise(agent: str, secret: str) -> tuple[str, ...] | None:
        return served.get(agent) if secret == SECRET else None

    async with AsyncExitStack() as agents:

        async def enter(
            agent: str, *nodes: str, secret: str = SECRET, url: str = "", patience: float = 10.0
        ) -> Bus:
            served[agent] = nodes
            endpoint = Endpoint(url or nats.url, agent, secret)
            return await agents.enter_async_context(
                Bus.connect(endpoint, name=agent, inbox=subjects.inbox(agent), patience=patience)
            )

        assert nats.endpoint.issuer_seed is not None
        await callout.serve(bus, nats.endpoint.issuer_seed, authorise)
        yield enter
