"""Messages of one consumer over one link, always asked for before they come."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from anyrig.bus.link import Link, status
from anyrig.core.errors import BusUnavailable

Send = Callable[[str, bytes], Awaitable[None]]

EXPIRES = 30.0
"""Seconds one request for messages stands."""
HEARTBEAT = 5.0
"""Seconds between signs of life while there are no messages."""
_SECOND = 1_000_000_000
_HEARTBEAT = "100"
_EXPIRED = "408"


class Delivery:
    """A message of a stream. Unless it is acknowledged within 30 s it comes again."""

    __slots__ = ("_send", "data", "delivered", "headers", "pending", "reply", "sequence", "subject")

    def __init__(self, message: Msg, send: Send) -> None:
        metadata = message.metadata
        self.subject = message.subject
        self.data = message.data
        self.headers = message.headers or {}
        self.reply = message.reply
        self.delivered = metadata.num_delivered
        """How often it has come, this time included."""
        self.sequence = metadata.sequence.stream
        """Its place in the stream, from 1."""
        self.pending = metadata.num_pending
        """How many messages wait behind it."""
        self._send = send

    async def ack(self) -> None:
        """Done: it will not come again. Should this get lost, it comes again."""
        await self._answer(b"+ACK")

    async def nak(self, delay: float = 0.0) -> None:
        """Not done: let it come again, after ``delay`` seconds."""
        await self._answer(b"-NAK " + json.dumps({"delay": int(delay * _SECOND)}).encode())

    async def term(self) -> None:
        """Never to be done: it will not come again."""
        await self._answer(b"+TERM")

    async def in_progress(self) -> None:
        """Still at it: another 30 s. Works over a later connection too."""
        await self._answer(b"+WPI")

    async def _answer(self, word: bytes) -> None:
        with suppress(BusUnavailable):  # at least once: what is not acknowledged comes again
            await self._send(self.reply, word)


class Pull:
    """Takes messages; one request of up to ``batch`` stands at any time while ``next`` waits."""

    def __init__(self, link: Link, stream: str, consumer: str, batch: int, send: Send) -> None:
        self._link = link
        self._request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = f"{link.inbox}.{stream}.{consumer}"
        self._batch = batch
        self._send = send
        self._wanted = 0
        self._trouble = ""
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._exits = ExitStack()
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        self._subscription = await self._link.subscribe(self._inbox, self._arrived.put)
        self._exits.enter_context(self._link.upon_loss(lambda: self._arrived.put_nowait(None)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()
        if self._subscription is not None and self._link.alive:
            await self._link.unsubscribe(self._subscription)

    async def next(self) -> list[Delivery]:
        """What has arrived, at least one message, or none after a heartbeat.

        Raises:
            BusUnavailable: The connection is lost, or there is no such consumer.
        """
        if self._trouble:
            raise BusUnavailable(reason=self._trouble)
        if not self._wanted:
            await self._ask()
        try:
            async with asyncio.timeout(3 * HEARTBEAT):
                messages = [await self._arrived.get()]
        except TimeoutError as error:
            raise BusUnavailable(reason=f"{self._request} gives no sign of life") from error
        while not self._arrived.empty():
            messages.append(self._arrived.get_nowait())
        deliveries = [
            Delivery(message, self._send) for message in messages if message and self._real(message)
        ]
        if None in messages:
            self._trouble = "the connection was lost"
        if self._trouble and not deliveries:
            raise BusUnavailable(reason=self._trouble)
        return deliveries

    async def _ask(self) -> None:
        wish = {
            "batch": self._batch,
            "expires": int(EXPIRES * _SECOND),
            "idle_heartbeat": int(HEARTBEAT * _SECOND),
        }
        await self._link.send(self._request, json.dumps(wish).encode(), self._inbox)
        self._wanted = self._batch

    def _real(self, message: Msg) -> bool:
        """Whether it is a message, not a word of NATS about the request; counts what is still to come."""
        if message.subject != self._inbox:  # who wrote a message may have given it any header
            self._wanted -= 1
            return True
        code = status(message)
        if code == _EXPIRED:
            self._wanted = 0
        elif code != _HEARTBEAT:
            self._trouble = f"{self._request}: {code} {(message.headers or {}).get('Description', '')}"
        return False
