"""What a server does besides answering clients: one loop a duty, all ended together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from anyrig.bus import callout, codec, subjects
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.core.errors import AnyrigError, Conflict, Invalid, Unavailable
from anyrig.core.messages import AcceptRequest, EventBatch, Hello, Presence
from anyrig.engine import accept, expiry, place, presence, retention_sweep, sweeps
from anyrig.engine.announcing.base import ANNOUNCEMENTS
from anyrig.engine.ingest import TooEarly, ingest
from anyrig.engine.lab import Lab
from anyrig.engine.lose import lose
from anyrig.engine.outgoing import Changed, Dispatched, Ended, Outgo, Reserved, Said
from anyrig.engine.waiting import RESERVATIONS
from anyrig.storage.sql import nodes as nodes_sql

log = logging.getLogger(__name__)
_INGEST_BATCH = 64
_EARLY_PAUSE = 0.2
_SWEEP_SECONDS = 1.0


async def run(lab: Lab) -> None:
    """Until cancelled."""
    await _listen_anew(lab)
    lab.bus.on_reconnect(lambda: _listen_anew(lab))
    await lab.bus.subscribe(subjects.control("accept", "*"), _answer_accept(lab), queue=subjects.SERVERS)
    await lab.bus.subscribe(subjects.control("hello", "*"), _answer_hello(lab), queue=subjects.SERVERS)
    await lab.bus.subscribe(subjects.control("events", "*"), _answer_events(lab), queue=subjects.SERVERS)
    await lab.bus.subscribe(subjects.ui(">"), _wake(lab))
    async with asyncio.TaskGroup() as group:
        group.create_task(_say(lab))
        group.create_task(lab.bus.consume(subjects.EVENTS, subjects.INGEST, _INGEST_BATCH, _ingest(lab)))
        group.create_task(lab.bus.watch_presence(_hear(lab)))
        group.create_task(_sweep(lab))
        group.create_task(expiry.run(lab))
        group.create_task(retention_sweep.run(lab))


async def _listen_anew(lab: Lab) -> None:
    lab.hearing.since = lab.now()


async def admit_agents(lab: Lab, issuer_seed: str, account: str) -> None:
    """Answer the bus when it asks who an agent is."""

    async def authorise(agent: str, secret: str) -> tuple[str, ...] | None:
        with suppress(AnyrigError):
            name = await lab.access.agent_named(f"{agent}.{secret}")
            return tuple(await lab.db.read(lambda c: nodes_sql.of_agent(c, name))) or None
        return None

    await callout.serve(lab.bus, issuer_seed, authorise, account)


def _answer_accept(lab: Lab) -> Callable[[Message], Awaitable[bytes]]:
    async def answer(message: Message) -> bytes:
        asked = codec.decode(AcceptRequest, message.data)
        if asked.node != subjects.control_node(message.subject):
            raise Invalid(reason="a node asks in another node's name")
        return codec.encode(await accept.accept(lab, asked))

    return answer


def _answer_hello(lab: Lab) -> Callable[[Message], Awaitable[bytes]]:
    async def answer(message: Message) -> bytes:
        said = codec.decode(Hello, message.data)
        if said.node != subjects.control_node(message.subject):
            raise Invalid(reason="a node speaks in another node's name")
        reply, lost = await accept.hello(lab, said)
        for task in lost:
            await lose(lab, task, "The agent was restarted.")
        return codec.encode(reply)

    return answer


def _answer_events(lab: Lab) -> Callable[[Message], Awaitable[bytes]]:
    """Events by the short way; an agent that gets no good answer leaves them in the stream."""

    async def answer(message: Message) -> bytes:
        batch, objects = codec.decode_with_objects(message.data)
        if batch.node != subjects.control_node(message.subject):
            raise Invalid(reason="a node speaks in another node's name")
        try:
            lost = await ingest(lab, batch, objects)
        except TooEarly:
            raise Conflict(reason="an earlier event is still on its way") from None
        if lost is not None:
            await lose(lab, *lost)
        return b""

    return answer


def _wake(lab: Lab) -> Callable[[Message], Awaitable[None]]:
    async def wake(message: Message) -> None:
        for topic in message.data.decode(errors="replace").split("\n"):
            lab.waiters.wake(topic)

    return wake


async def _say(lab: Lab) -> None:
    """Say what was committed: here at once, to the others over the bus, in one message."""
    async with asyncio.TaskGroup() as group:
        while True:
            items = await lab.outgoing.next()
            for one in items:
                if isinstance(one, Dispatched):  # a node may take its time to answer
                    group.create_task(place.send(lab, one))
            topics = dict.fromkeys(topic for one in items if (topic := _topic(lab, one)))
            for topic in topics:
                lab.waiters.wake(topic)
            if topics:
                with suppress(Unavailable):
                    await lab.bus.send(subjects.ui("changed"), "\n".join(topics).encode())


def _topic(lab: Lab, one: Outgo) -> str:
    """What others wait for; empty when nobody does elsewhere."""
    match one:
        case Ended(uid, is_build, said):
            if is_build:
                lab.builds.ended(uid, said)
            return uid
        case Changed(number):
            return f"job.{number}"
        case Reserved():
            return RESERVATIONS
        case Said():
            lab.waiters.wake(ANNOUNCEMENTS)
    return ""


def _ingest(lab: Lab) -> Callable[[list[Delivery]], Awaitable[None]]:
    async def handle(arrived: list[Delivery]) -> None:
        """All at once: the database commits them as one group, and order within a task is checked there."""
        async with asyncio.TaskGroup() as group:
            for chain in _by_task(arrived):
                group.create_task(_ingest_in_order(lab, chain))

    return handle


def _by_task(arrived: list[Delivery]) -> list[list[Delivery]]:
    chains: dict[str, list[Delivery]] = {}
    for delivery in arrived:
        chains.setdefault(delivery.subject, []).append(delivery)
    return list(chains.values())


async def _ingest_in_order(lab: Lab, chain: list[Delivery]) -> None:
    for delivery in chain:
        await _ingest_one(lab, delivery)


async def _ingest_one(lab: Lab, delivery: Delivery) -> None:
    try:
        lost = await ingest(lab, _batch(delivery))
    except TooEarly:
        await delivery.nak(_EARLY_PAUSE)
    except Invalid as error:
        log.error("an event on %s is dropped: %s", delivery.subject, error)  # noqa: TRY400 - the reason says it
        await delivery.term()
    else:
        await delivery.ack()
        if lost is not None:
            await lose(lab, *lost)


def _batch(delivery: Delivery) -> EventBatch:
    batch = codec.decode(EventBatch, delivery.data)
    if (batch.node, batch.task) != subjects.event_source(delivery.subject):
        raise Invalid(reason="a node speaks in another node's name")
    return batch


def _hear(lab: Lab) -> Callable[[str, bytes | None], Awaitable[None]]:
    async def hear(node: str, payload: bytes | None) -> None:
        if payload is None:
            await presence.left(lab, node)
            return
        with suppress(Invalid):
            await presence.heard(lab, node, codec.decode(Presence, payload))

    return hear


async def _sweep(lab: Lab) -> None:
    duties = (sweeps.sweep_leases, sweeps.sweep_outbox, sweeps.sweep_waiters, sweeps.sweep_queue)
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        for duty in duties:
            await _once(lab, duty)


async def _once(lab: Lab, duty: Callable[[Lab], Awaitable[None]]) -> None:
    """A sweep that fails is tried again a second later."""
    try:
        await duty(lab)
    except Unavailable as error:
        log.warning("%s: %s", duty.__name__, error)
    except Exception:
        log.exception("%s failed", duty.__name__)
