"""The bus as everybody uses it: publish, request, subscribe, consume, logs and presence."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from secrets import token_hex
from types import TracebackType
from typing import NoReturn, Self

from anyrig.bus import reading, streams, subjects
from anyrig.bus.connection import Connection, Hook, Interest, Locate
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.handlers import FAILED, Handler, Handlers, refused
from anyrig.bus.pauses import pauses
from anyrig.bus.publishing import Stored, store
from anyrig.bus.pull import Delivery, Pull
from anyrig.bus.reading import OFFSET, PresenceHandler
from anyrig.core.errors import BusUnavailable

log = logging.getLogger(__name__)

BatchHandler = Callable[[list[Delivery]], Awaitable[None]]

LONGEST_PAUSE = 2.0
"""Seconds between two tries, at most."""
SEND_TIMEOUT = 5.0
"""Seconds a plain message waits for a connection."""
GOODBYE = 5.0
"""Seconds that running handlers get to answer when the bus is closed."""


class Bus:
    """One client of the bus: ``async with Bus.connect(endpoint, name="server") as bus:``."""

    def __init__(self, connection: Connection, patience: float | None) -> None:
        self._connection = connection
        self._patience = patience
        self._tasks = asyncio.TaskGroup()
        self._keeping: set[asyncio.Task[None]] = set()
        self._handling: set[asyncio.Task[None]] = set()
        self._replicas, self._presence_ttl = 1, streams.PRESENCE_TTL
        # Ids count for a whole stream: another agent must not be able to guess ours and use them up.
        self._mark = token_hex(8)

    @classmethod
    def connect(
        cls,
        endpoint: Endpoint | Locate,
        *,
        name: str,
        inbox: str = subjects.SERVER_INBOX,
        patience: float | None = 10.0,
    ) -> Self:
        """A bus to enter; entering it raises BusUnavailable unless it connects within ``patience`` seconds.

        ``name`` is for the logs of NATS. An agent gives ``subjects.inbox(agent)`` as its inbox: it may read
        no other. Once connected, a lost connection is made again for ever; all calls wait for it, each up to
        its own deadline. A function in place of the endpoint is asked before each connect; what it raises
        ends the bus, but after Unavailable it is asked again.
        """
        locate = _always(endpoint) if isinstance(endpoint, Endpoint) else endpoint
        return cls(Connection(locate, name, inbox), patience)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._keeping.add(self._tasks.create_task(self._connection.keep()))
        try:
            await self._connection.link(self._patience)
        except BaseException as error:
            await self._close(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._goodbye()
        finally:
            await self._close(error)

    async def _goodbye(self) -> None:
        for interest in tuple(self._connection.interests):
            await interest.stop()
        if self._handling:
            await asyncio.wait(self._handling, timeout=GOODBYE)

    async def _close(self, error: BaseException | None) -> None:
        for task in self._handling | self._keeping:
            task.cancel()
        # Only a cancellation concerns the tasks; any other error of the body passes by unwrapped.
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        await self._tasks.__aexit__(type(cancelled) if cancelled else None, cancelled, None)

    @property
    def connected(self) -> bool:
        return self._connection.connected

    def on_reconnect(self, hook: Hook) -> None:
        """Call ``hook`` whenever a lost connection is there again. One that fails is logged."""
        self._connection.hooks.append(hook)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        msg_id: str | None = None,
        ttl: int | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - it covers several tries
    ) -> Stored:
        """Put a message into its stream; tried again until it is confirmed or ``timeout`` seconds are over.

        A message with the same ``msg_id`` is dropped for an hour (jobs, events) or two minutes (logs);
        without one, a message may be stored twice. ``ttl``: seconds after which it goes unread.

        Raises:
            BusUnavailable: No confirmation came; it may be stored all the same.
            Invalid: It is larger than the bus takes.
        """
        headers = {} if msg_id is None else {"Nats-Msg-Id": msg_id}
        if ttl is not None:
            headers["Nats-TTL"] = f"{ttl}s"
        return await store(self._connection, subject, payload, headers, timeout)

    async def send(self, subject: str, payload: bytes) -> None:
        """Tell whoever listens now. Raises BusUnavailable when there is no connection for five seconds."""
        await self._send(subject, payload, None)

    async def _send(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> None:
        link = await self._connection.link(SEND_TIMEOUT)
        await link.send(subject, payload, headers=headers)

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109 - as in NATS
        """The answer of whoever listens on ``subject``.

        Raises:
            NobodyThere: Nobody listens; known at once.
            PeerFailed: Somebody does and could not do it; ``fields["error"]`` is the error it had, if known.
            BusUnavailable: No answer within ``timeout`` seconds, or the connection was lost meanwhile.
        """
        try:
            async with asyncio.timeout(timeout):
                link = await self._connection.link()
                message = await link.request(subject, payload)
        except TimeoutError as error:
            raise BusUnavailable(reason=f"nothing came from {subject} within {timeout:g} s") from error
        if message.headers and FAILED in message.headers:
            raise refused(subject, message.headers[FAILED], message.data)
        return message.data

    async def subscribe(
        self, subject: str, handler: Handler, queue: str | None = None, concurrency: int = 64
    ) -> Interest:
        """Call ``handler`` with each message; what it returns is the answer, None is none.

        Up to ``concurrency`` calls run at once; with 1 they come in order. An AnyrigError becomes PeerFailed
        at the other end. In a ``queue`` group one member gets each message. Ends with ``Interest.stop()``.
        """
        handlers = Handlers(handler, concurrency, self._spawn, self._send)
        return await self._connection.subscribe(subject, queue or "", handlers.take)

    def _spawn(self, call: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(call)
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def consume(self, stream: str, durable: str, batch: int, handler: BatchHandler) -> NoReturn:
        """Give the handler what arrives, in order, up to ``batch`` messages a call, one call at a time.

        The handler acknowledges each message. When it raises, that is logged, and what was not acknowledged
        comes again. Runs until cancelled.
        """
        tries = pauses(LONGEST_PAUSE)
        while True:
            link = await self._connection.link()
            try:
                async with Pull(link, stream, durable, batch, self.send) as pull:
                    while True:
                        await self._handle(handler, await pull.next())
                        tries = pauses(LONGEST_PAUSE)
            except BusUnavailable as error:
                log.debug("%s of %s: %s", durable, stream, error)
            await asyncio.sleep(next(tries))

    async def _handle(self, handler: BatchHandler, arrived: list[Delivery]) -> None:
        try:
            if arrived:
                await handler(arrived)
        except Exception:
            log.exception("the handler of %s failed", arrived[0].subject)
            for delivery in arrived:
                await delivery.nak(min(30, delivery.delivered))

    async def ensure_streams(self, replicas: int = 1, presence_ttl: float = streams.PRESENCE_TTL) -> None:
        """Make the streams, or change them to these settings; again after each reconnect.

        The presence bucket lives in memory, so a NATS that was started anew has lost it. ``presence_ttl`` is
        in seconds, at least 1. Raises BusUnavailable.
        """
        self._replicas, self._presence_ttl = replicas, presence_ttl
        await streams.ensure(await self._connection.link(SEND_TIMEOUT), replicas, presence_ttl)
        if self._ensure_again not in self._connection.hooks:
            self._connection.hooks.insert(0, self._ensure_again)

    async def _ensure_again(self) -> None:
        for pause in pauses(LONGEST_PAUSE):
            link = await self._connection.link()
            try:
                await streams.ensure(link, self._replicas, self._presence_ttl)
            except BusUnavailable as error:
                log.warning("the streams are not ready: %s", error)
            else:
                return
            await asyncio.sleep(pause)

    async def ensure_node_consumer(self, node: str) -> None:
        """Make the consumer that hands a node its jobs, one at a time; its name is the node's. Idempotent."""
        await streams.ensure_node(await self._connection.link(SEND_TIMEOUT), node)

    async def remove_node_consumer(self, node: str) -> None:
        """Remove it, and the node's jobs. Idempotent."""
        await streams.remove_node(await self._connection.link(SEND_TIMEOUT), node)

    async def pending_events(self) -> int:
        """How many events of agents were stored but not acknowledged by a server. Raises BusUnavailable."""
        link = await self._connection.link(SEND_TIMEOUT)
        return await streams.unacknowledged(link, subjects.EVENTS, subjects.INGEST)

    async def presence_put(self, node: str, payload: bytes) -> None:
        """Say that a node is there. Raises BusUnavailable when ten seconds do not suffice: say it again."""
        await self.publish(subjects.presence(node), payload, timeout=10.0)

    async def presence_remove(self, node: str) -> None:
        """Say that a node goes away. Raises BusUnavailable."""
        await store(self._connection, subjects.presence(node), b"", {"KV-Operation": "DEL"}, SEND_TIMEOUT)

    async def watch_presence(self, handler: PresenceHandler) -> NoReturn:
        """Call ``handler(node, payload)`` for each node that is there, and again at each sign of life.

        When it is gone, ``payload`` is None. Runs until cancelled.
        """
        await reading.watch_presence(self._connection, handler, self.send, self._presence_ttl)

    async def log_publish(self, node: str, task: int, attempt: int, offset: int, chunk: bytes) -> None:
        """Add up to 64 KB that begin at byte ``offset`` of the task's log. Raises BusUnavailable."""
        headers = {"Nats-Msg-Id": f"{task}:{attempt}:{offset}:{self._mark}", OFFSET: str(offset)}
        await store(self._connection, subjects.log(node, task, attempt), chunk, headers, 30.0)

    def read_log(
        self, task: int, attempt: int, node: str, *, follow: bool
    ) -> AsyncGenerator[tuple[int, bytes]]:
        """Offset and bytes from the log's start, in order, each byte once; kept for 24 h.

        Ends where the log ends now, or with ``follow`` waits for more for ever: leave it by ``aclosing``.
        An offset beyond the bytes read so far is a gap: too old to be kept. Raises BusUnavailable.
        """
        subject = subjects.log(node, task, attempt)
        return reading.log_chunks(self._connection, subject, self.send, follow=follow)


def _always(endpoint: Endpoint) -> Locate:
    async def locate() -> Endpoint:
        return endpoint

    return locate
