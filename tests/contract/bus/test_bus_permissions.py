"""What NATS lets an agent do, and what not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from anyrig.bus import callout, subjects
from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.bus.server import NatsServer
from anyrig.core.errors import BadField, BusUnavailable, Invalid, NobodyThere

Enter = Callable[..., Awaitable[Bus]]
NewName = Callable[[], str]


async def echo(message: Message) -> bytes:
    return message.data


async def test_an_agent_works_for_each_of_its_nodes(bus: Bus, enter: Enter, new_name: NewName) -> None:
    nodes = new_name(), new_name()
    agent = await enter(new_name(), *nodes)
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def take(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await delivery.ack()
            await arrived.put(delivery.subject)

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for node in nodes:
            await bus.ensure_node_consumer(node)
            loop = tasks.create_task(agent.consume(subjects.JOBS, node, 1, take))
            await bus.publish(subjects.job(node), b"{}")
            assert await arrived.get() == subjects.job(node)
            loop.cancel()
            await agent.publish(subjects.event(node, 1), b"{}")
            await agent.log_publish(node, 1, 1, 0, b"hello\n")
            await agent.presence_put(node, b"{}")
            await agent.subscribe(subjects.rpc(node, "status"), echo)
            await bus.subscribe(subjects.control("accept", node), echo)
            assert await agent.request(subjects.control("accept", node), b"may I?", 5.0) == b"may I?"
            assert await bus.request(subjects.rpc(node, "status"), b"how?", 5.0) == b"how?"


@pytest.mark.parametrize(
    "subject",
    [
        "evt.{other}.1",
        "log.{other}.1.1",
        "$KV.presence.{other}",
        "cp.accept.{other}",
        "jobs.node.{own}",
        "jobs.node.{other}",
        "node.{other}.rpc.stop",
        "ui.job",
        "_INBOX.{other}.x",
        "_SERVER.x",
        "$JS.API.STREAM.PURGE.JOBS",
        "$JS.API.STREAM.DELETE.EVT",
        "$JS.API.STREAM.MSG.GET.JOBS",
        "$JS.API.DIRECT.GET.KV_presence",
        "$JS.API.CONSUMER.CREATE.LOG",
        "$JS.API.CONSUMER.DELETE.JOBS.{other}",
        "$JS.API.CONSUMER.MSG.NEXT.JOBS.{other}",
        "$JS.API.CONSUMER.MSG.NEXT.EVT.ingest",
        "$JS.ACK.JOBS.{other}.1.1.1.1.0",
        "$SYS.REQ.USER.AUTH",
    ],
)
async def test_an_agent_may_not_publish_elsewhere(enter: Enter, new_name: NewName, subject: str) -> None:
    own, other = new_name(), new_name()
    agent = await enter(new_name(), own)
    with pytest.raises(BusUnavailable, match="permissions violation for publish"):
        await agent.request(subject.format(own=own, other=other), b"{}", 5.0)


@pytest.mark.parametrize("stolen", ["node.{other}.>", "node.>", "cp.>", "ui.>", "_SERVER.>", ">"])
async def test_an_agent_hears_nothing_of_others(
    bus: Bus, enter: Enter, new_name: NewName, stolen: str
) -> None:
    own, other = new_name(), new_name()
    spy = await enter(new_name(), own)
    victim = await enter(new_name(), other)
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.subject)

    await spy.subscribe(stolen.format(other=other), listen)
    await bus.subscribe(subjects.control("hello", "*"), echo)
    with pytest.raises(NobodyThere):
        await bus.request(subjects.rpc(other, "status"), b"", 5.0)
    await victim.request(subjects.control("hello", other), b"", 5.0)
    await bus.send(subjects.ui("job"), b"")
    # What NATS sends to one connection keeps its order, so after this answer nothing can be on its way.
    await spy.request(subjects.control("hello", own), b"", 5.0)
    assert heard == []


async def test_an_agent_may_not_read_the_answers_to_another(
    bus: Bus, enter: Enter, new_name: NewName
) -> None:
    own, other, agent = new_name(), new_name(), new_name()
    spy = await enter(new_name(), own)
    victim = await enter(agent, other)
    heard: list[bytes] = []

    async def listen(message: Message) -> None:
        heard.append(message.data)

    await spy.subscribe(f"{subjects.inbox(agent)}.>", listen)
    await spy.subscribe("_INBOX.>", listen)
    await bus.subscribe(subjects.control("accept", "*"), echo)
    assert await victim.request(subjects.control("accept", other), b"secret", 5.0) == b"secret"
    await spy.request(subjects.control("accept", own), b"", 5.0)
    assert heard == []


@pytest.mark.parametrize("secret", ["wrong", ""])
async def test_a_wrong_secret_is_refused(enter: Enter, node: str, secret: str) -> None:
    with pytest.raises(BusUnavailable, match=r"(?i)authorization violation"):
        await enter(node, node, secret=secret, patience=1.0)


async def test_an_agent_without_nodes_is_refused(enter: Enter, node: str) -> None:
    with pytest.raises(BusUnavailable, match=r"(?i)authorization violation"):
        await enter(node, patience=1.0)


@pytest.mark.parametrize("name", ["*", "a.b", ""])
async def test_a_name_that_is_a_pattern_is_refused(enter: Enter, node: str, name: str) -> None:
    with pytest.raises((BusUnavailable, Invalid)):
        await enter(name, node, patience=1.0)


async def test_the_servers_user_needs_its_password(nats: NatsServer, bus: Bus) -> None:
    user, _ = nats.credentials
    with pytest.raises(BusUnavailable, match=r"(?i)authorization violation"):
        async with Bus.connect(Endpoint(nats.url, user, "guess"), name="intruder", patience=1.0):
            pass


async def test_an_agent_whose_token_expires_comes_back(nats: NatsServer, bus: Bus, new_name: NewName) -> None:
    agent, node = new_name(), new_name()
    asked: list[str] = []

    async def authorise(agent: str, secret: str) -> tuple[str, ...]:
        asked.append(secret)
        return (node,)

    assert nats.endpoint.issuer_seed is not None
    await callout.serve(bus, nats.endpoint.issuer_seed, authorise, lifetime=1)
    back = asyncio.Event()

    async def on_reconnect() -> None:
        back.set()

    endpoint = Endpoint(nats.url, agent, "mine")
    async with asyncio.timeout(10), Bus.connect(endpoint, name=agent, inbox=subjects.inbox(agent)) as mine:
        mine.on_reconnect(on_reconnect)
        await mine.subscribe(subjects.rpc(node, "status"), echo)
        await back.wait()
        assert len(asked) >= 2
        await mine.publish(subjects.event(node, 1), b"{}")
        assert await bus.request(subjects.rpc(node, "status"), b"still?", 5.0) == b"still?"


async def test_an_issuer_that_is_no_seed_is_refused(bus: Bus) -> None:
    async def authorise(agent: str, secret: str) -> None:
        return None

    with pytest.raises(Invalid, match="seed"):
        await callout.serve(bus, "SUAGIEYODKBBTUMOB666Z5KA4FCWAZV7HWSGRHOD7MK6UM5IYLWLACH7DQ", authorise)


def test_permissions_are_for_plain_names_only() -> None:
    with pytest.raises(BadField):
        callout.permissions("agent", (">",))
