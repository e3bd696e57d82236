"""Publishing, consuming, asking and answering."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from anyrig.bus import subjects
from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.bus.server import MAX_PAYLOAD
from anyrig.core.errors import BusUnavailable, Invalid, NobodyThere, NodeBusy, PeerFailed

NewName = Callable[[], str]


class Taker:
    """Consumes a node's jobs and puts them into a queue; acknowledges as it is told."""

    def __init__(self, answer: Callable[[Delivery], Awaitable[None]] = Delivery.ack) -> None:
        self.arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        self._answer = answer

    async def __call__(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self.arrived.put(delivery)
            await self._answer(delivery)


async def take(bus: Bus, node: str, taker: Taker, count: int) -> list[Delivery]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(bus.consume(subjects.JOBS, node, 1, taker))
        arrived = [await taker.arrived.get() for _ in range(count)]
        loop.cancel()
    return arrived


async def test_a_message_published_twice_with_one_id_is_kept_once(bus: Bus, node: str) -> None:
    await bus.ensure_node_consumer(node)
    first = await bus.publish(subjects.job(node), b"1", msg_id=f"{node}:1")
    again = await bus.publish(subjects.job(node), b"1", msg_id=f"{node}:1")
    await bus.publish(subjects.job(node), b"2", msg_id=f"{node}:2")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.sequence == first.sequence
    assert [job.data for job in await take(bus, node, Taker(), 2)] == [b"1", b"2"]


async def test_what_waited_for_a_consumer_comes_in_order(bus: Bus, node: str) -> None:
    for number in range(5):
        await bus.publish(subjects.job(node), b"%d" % number)
    await bus.ensure_node_consumer(node)
    arrived = await take(bus, node, Taker(), 5)
    assert [job.data for job in arrived] == [b"0", b"1", b"2", b"3", b"4"]
    assert {job.delivered for job in arrived} == {1}


async def test_a_job_that_is_given_back_comes_again(bus: Bus, node: str) -> None:
    async def second_time(delivery: Delivery) -> None:
        await (delivery.nak(0.01) if delivery.delivered == 1 else delivery.ack())

    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"{}")
    assert [job.delivered for job in await take(bus, node, Taker(second_time), 2)] == [1, 2]


async def test_a_job_whose_handler_fails_comes_again(
    bus: Bus, node: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_once(delivery: Delivery) -> None:
        if delivery.delivered == 1:
            raise RuntimeError("out of luck")
        await delivery.ack()

    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"{}")
    assert [job.delivered for job in await take(bus, node, Taker(fail_once), 2)] == [1, 2]
    assert "out of luck" in caplog.text


async def test_a_terminated_job_never_comes_again(bus: Bus, node: str) -> None:
    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"bad")
    await take(bus, node, Taker(Delivery.term), 1)
    await bus.publish(subjects.job(node), b"good")
    assert [job.data for job in await take(bus, node, Taker(), 1)] == [b"good"]


async def test_a_node_holds_one_job_at_a_time(bus: Bus, node: str) -> None:
    held: asyncio.Queue[Delivery] = asyncio.Queue()
    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"1")
    await bus.publish(subjects.job(node), b"2")
    (first,) = await take(bus, node, Taker(held.put), 1)
    await first.in_progress()
    async with asyncio.TaskGroup() as tasks:
        taker = Taker()
        loop = tasks.create_task(bus.consume(subjects.JOBS, node, 1, taker))
        await bus.request("$JS.API.INFO", b"", 5.0)
        assert taker.arrived.empty()
        await first.ack()
        async with asyncio.timeout(10):
            assert (await taker.arrived.get()).data == b"2"
        loop.cancel()


async def test_a_job_past_its_time_to_live_goes_unread(bus: Bus, node: str) -> None:
    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"late", ttl=1)
    async with asyncio.timeout(10):
        while await _waiting(bus, node):  # noqa: ASYNC110 - NATS tells nobody
            await asyncio.sleep(0.05)
    await bus.publish(subjects.job(node), b"fresh", ttl=60)
    assert [job.data for job in await take(bus, node, Taker(), 1)] == [b"fresh"]


async def _waiting(bus: Bus, node: str) -> bool:
    query = b'{"last_by_subj": "%s"}' % subjects.job(node).encode()
    return b"error" not in await bus.request("$JS.API.STREAM.MSG.GET.JOBS", query, 5.0)


async def test_removing_a_node_removes_its_jobs(bus: Bus, node: str) -> None:
    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"old")
    await bus.remove_node_consumer(node)
    await bus.remove_node_consumer(node)
    await bus.ensure_node_consumer(node)
    await bus.ensure_node_consumer(node)
    await bus.publish(subjects.job(node), b"new")
    assert [job.data for job in await take(bus, node, Taker(), 1)] == [b"new"]


async def test_events_come_in_batches_and_in_order(bus: Bus, node: str) -> None:
    seen: list[bytes] = []
    sizes: list[int] = []
    done = asyncio.Event()

    async def ingest(deliveries: list[Delivery]) -> None:
        sizes.append(len(deliveries))
        seen.extend(d.data for d in deliveries if d.subject == subjects.event(node, 7))
        for delivery in deliveries:
            await delivery.ack()
        if len(seen) == 100:
            done.set()

    for number in range(100):
        await bus.publish(subjects.event(node, 7), b"%d" % number)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(bus.consume(subjects.EVENTS, subjects.INGEST, 32, ingest))
        await done.wait()
        loop.cancel()
    assert seen == [b"%d" % number for number in range(100)]
    assert max(sizes) <= 32
    assert len(sizes) < 100


async def test_a_header_cannot_pass_for_a_word_of_nats(bus: Bus, node: str) -> None:
    await bus.ensure_node_consumer(node)
    link = await bus._connection.link()
    await link.request(subjects.job(node), b"", {"Status": "409", "Description": "Consumer Deleted"})
    assert [job.headers["Status"] for job in await take(bus, node, Taker(), 1)] == ["409"]


async def test_nobody_there_is_known_at_once(bus: Bus, node: str) -> None:
    with pytest.raises(NobodyThere, match=node):
        await bus.request(subjects.rpc(node, "status"), b"", 60.0)


async def test_an_answer_may_be_as_large_as_a_screenshot(bus: Bus, node: str) -> None:
    picture = bytes(range(256)) * 16 * 1024

    async def screenshot(message: Message) -> bytes:
        return picture

    await bus.subscribe(subjects.rpc(node, "screenshot"), screenshot)
    assert await bus.request(subjects.rpc(node, "screenshot"), b"", 10.0) == picture


async def test_a_message_larger_than_the_bus_takes_is_refused(bus: Bus, node: str) -> None:
    with pytest.raises(Invalid, match="bytes to"):
        await bus.send(subjects.ui(node), bytes(MAX_PAYLOAD + 1))
    with pytest.raises(Invalid, match="bytes to"):
        await bus.publish(subjects.job(node), bytes(MAX_PAYLOAD + 1))


async def test_a_failure_of_the_other_side_is_told(
    bus: Bus, node: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def busy(message: Message) -> bytes:
        raise NodeBusy(node=node, reason="a test runs")

    async def broken(message: Message) -> bytes:
        raise ZeroDivisionError

    await bus.subscribe(subjects.rpc(node, "key"), busy)
    await bus.subscribe(subjects.rpc(node, "status"), broken)
    with pytest.raises(PeerFailed, match=f"Node {node} is in use: a test runs"):
        await bus.request(subjects.rpc(node, "key"), b"", 5.0)
    with pytest.raises(PeerFailed, match="it failed"):
        await bus.request(subjects.rpc(node, "status"), b"", 5.0)
    assert "ZeroDivisionError" in caplog.text


async def test_no_answer_in_time_is_said_so(bus: Bus, node: str) -> None:
    async def silent(message: Message) -> None:
        return None

    await bus.subscribe(subjects.rpc(node, "status"), silent)
    with pytest.raises(BusUnavailable, match=r"within 0\.1 s"):
        await bus.request(subjects.rpc(node, "status"), b"", 0.1)


async def test_a_slow_answer_holds_up_no_other(bus: Bus, node: str) -> None:
    release = asyncio.Event()

    async def answer(message: Message) -> bytes:
        if message.data == b"slow":
            await release.wait()
        return message.data

    await bus.subscribe(subjects.rpc(node, "status"), answer)
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(bus.request(subjects.rpc(node, "status"), b"slow", 10.0))
        assert await bus.request(subjects.rpc(node, "status"), b"quick", 10.0) == b"quick"
        assert not slow.done()
        release.set()
    assert slow.result() == b"slow"


async def test_with_one_place_messages_are_handled_in_order(bus: Bus, node: str) -> None:
    seen: list[bytes] = []
    done = asyncio.Event()

    async def note(message: Message) -> None:
        for _ in range(3 - len(seen)):
            await asyncio.sleep(0)
        seen.append(message.data)
        if len(seen) == 3:
            done.set()

    await bus.subscribe(subjects.ui(node), note, concurrency=1)
    for word in (b"a", b"b", b"c"):
        await bus.send(subjects.ui(node), word)
    async with asyncio.timeout(10):
        await done.wait()
    assert seen == [b"a", b"b", b"c"]


async def test_one_of_a_queue_group_answers(bus: Bus, node: str) -> None:
    answered: list[str] = []

    def member(name: str) -> Callable[[Message], Awaitable[bytes]]:
        async def answer(message: Message) -> bytes:
            answered.append(name)
            return name.encode()

        return answer

    first = await bus.subscribe(subjects.control("hello", node), member("a"), queue=subjects.SERVERS)
    await bus.subscribe(subjects.control("hello", node), member("b"), queue=subjects.SERVERS)
    for _ in range(10):
        await bus.request(subjects.control("hello", node), b"", 5.0)
    assert len(answered) == 10
    await first.stop()
    assert await bus.request(subjects.control("hello", node), b"", 5.0) == b"b"


async def test_a_handler_may_still_answer_while_the_bus_closes(
    bus: Bus, node: str, nats_endpoint: Endpoint
) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def answer(message: Message) -> bytes:
        started.set()
        await release.wait()
        return b"just in time"

    async with asyncio.TaskGroup() as tasks, Bus.connect(nats_endpoint, name="leaving") as leaving:
        await leaving.subscribe(subjects.rpc(node, "stop"), answer)
        asked = tasks.create_task(bus.request(subjects.rpc(node, "stop"), b"", 10.0))
        await started.wait()
        asyncio.get_running_loop().call_later(0.05, release.set)
    assert asked.result() == b"just in time"


async def test_an_error_inside_the_bus_comes_out_as_it_is(nats_endpoint: Endpoint) -> None:
    with pytest.raises(KeyError):
        async with Bus.connect(nats_endpoint, name="unlucky"):
            raise KeyError


async def test_a_bus_that_is_not_there_is_said_so() -> None:
    with pytest.raises(BusUnavailable):
        async with Bus.connect(Endpoint("nats://127.0.0.1:1", "a", "b"), name="lonely", patience=0.2):
            pass
