"""One live connection to NATS. It dies once; ``connection`` replaces it by another.

nats-py's own way to reconnect is not used: it gives up for good when a token expires, keeps requests waiting
that can get no answer, and loses pull requests. Here everybody who waits is told of the loss at once.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from anyrig.bus.endpoint import Endpoint
from anyrig.bus.websocket import WebSocketTransport
from anyrig.core.errors import BusUnavailable, Invalid, NobodyThere

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT = 5
"""Seconds for each step of opening a connection."""
BEAT = 10
"""Seconds between two looks whether the other end is still there, and for its answer."""
CLOSE_TIMEOUT = 2
"""Seconds to send what is written; after that the connection is left to itself."""
_NO_RESPONDERS = "503"
_TRANSPORT_ERRORS = (nats.errors.Error, OSError)


class Link:
    """A connection with its own inbox for answers."""

    def __init__(self, endpoint: Endpoint, name: str, inbox: str) -> None:
        self._endpoint = endpoint
        self._name = name
        self.inbox = f"{inbox}.{token_hex(8)}"
        self.reason = "it could not be reached"
        self._client = Client()
        self._numbers = itertools.count()
        self._waiting: dict[str, tuple[str, asyncio.Future[Msg | str]]] = {}
        self._watchers: set[Callable[[], None]] = set()
        self._settling: list[asyncio.Future[bool]] = []
        self._wake = asyncio.Event()
        self._lost = False
        self._ready = False

    async def open(self) -> None:
        """Connect and be ready for answers. Raises BusUnavailable."""
        try:
            async with asyncio.timeout(3 * CONNECT_TIMEOUT):
                await self._connect()
                await self._client.subscribe(f"{self.inbox}.answer.*", cb=self._answered)
        except (*_TRANSPORT_ERRORS, TimeoutError) as error:
            raise BusUnavailable(reason=self.reason) from error
        self._ready = self._client.is_connected  # connect() may return without
        if not self.alive:
            raise BusUnavailable(reason=self.reason)

    async def _connect(self) -> None:
        if self._endpoint.url.startswith("ws"):
            self._client._transport = WebSocketTransport()  # noqa: SLF001 - nats-py has no parameter for it
        await self._client.connect(
            self._endpoint.servers,
            user=self._endpoint.user,
            password=self._endpoint.password,
            name=self._name,
            inbox_prefix=self.inbox,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_TIMEOUT,
            ping_interval=3600,  # watch() does it
            error_cb=self._failed,
            closed_cb=self._closed,
        )

    @property
    def alive(self) -> bool:
        return self._ready and not self._lost

    async def watch(self) -> None:
        """Look after the connection; return when it is lost."""
        while self.alive:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._wake.wait()
            self._wake.clear()
            written = len(self._settling)
            await self.ping()
            for settled in self._settling[:written]:
                _set(settled, self.alive)
            del self._settling[:written]

    async def ping(self) -> None:
        """Have NATS answer, or the link be lost; only for the task that watches.

        nats-py breaks when this is cancelled and the answer comes: others call ``settle``.
        """
        try:
            await self._client.rtt(timeout=BEAT)
        except _TRANSPORT_ERRORS as error:
            self._lose(f"no heartbeat: {error}")

    async def settle(self) -> None:
        """Return when NATS has taken in all that was written so far. Raises BusUnavailable."""
        if not self.alive:
            raise BusUnavailable(reason=self.reason)
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settling.append(settled)
        self._wake.set()
        if not await settled:
            raise BusUnavailable(reason=self.reason)

    async def close(self) -> None:
        """Send what is written, then close."""
        with suppress(TimeoutError, *_TRANSPORT_ERRORS):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                if self.alive:
                    await self._client.flush(timeout=CLOSE_TIMEOUT)
                await self._client.close()
        self._lose("it was closed")

    @contextmanager
    def upon_loss(self, callback: Callable[[], None]) -> Iterator[None]:
        """While inside, ``callback`` is called should the connection be lost; at once if it is."""
        self._watchers.add(callback)
        try:
            if not self.alive:
                callback()
            yield
        finally:
            self._watchers.discard(callback)

    async def send(
        self, subject: str, payload: bytes, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Publish without any answer. Raises BusUnavailable, or Invalid when it is too large."""
        try:
            await self._client.publish(subject, payload, reply=reply, headers=headers)
        except (nats.errors.MaxPayloadError, nats.errors.BadSubjectError) as error:
            raise Invalid(reason=f"{len(payload)} bytes to {subject}: {error}") from error
        except _TRANSPORT_ERRORS as error:
            self._lose(str(error))
            raise BusUnavailable(reason=str(error)) from error

    async def request(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Msg:
        """The answer; the caller sets the deadline. Raises NobodyThere, BusUnavailable or Invalid."""
        token = str(next(self._numbers))
        answer: asyncio.Future[Msg | str] = asyncio.get_running_loop().create_future()
        self._waiting[token] = (subject, answer)
        try:
            await self.send(subject, payload, f"{self.inbox}.answer.{token}", headers)
            if not self.alive:
                raise BusUnavailable(reason=self.reason)
            message = await answer
        finally:
            del self._waiting[token]
        if isinstance(message, str):
            raise BusUnavailable(reason=message)
        if status(message) == _NO_RESPONDERS:
            raise NobodyThere(subject=subject)
        return message

    async def subscribe(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]], queue: str = ""
    ) -> Subscription:
        """Receive what comes to ``subject``. Raises BusUnavailable."""
        try:
            return await self._client.subscribe(subject, queue=queue, cb=callback)
        except _TRANSPORT_ERRORS as error:
            raise BusUnavailable(reason=str(error)) from error

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Receive it no more; silent when the connection is lost anyway."""
        with suppress(*_TRANSPORT_ERRORS):
            await subscription.unsubscribe()

    async def _answered(self, message: Msg) -> None:
        _, answer = self._waiting.get(message.subject.rpartition(".")[2], (None, None))
        if answer is not None:
            _set(answer, message)

    async def _failed(self, error: Exception) -> None:
        self.reason = str(error) or type(error).__name__
        if isinstance(error, nats.errors.StaleConnectionError):  # the end of the stream, too
            self._lose(self.reason)
            return
        log.log(logging.WARNING if self.alive else logging.DEBUG, "%s: %s", self._name, self.reason)
        if "permissions violation" in self.reason:
            self._refuse(self.reason)

    def _refuse(self, reason: str) -> None:
        # NATS refuses without naming the request; its sentence quotes the subject, nats-py in lower case.
        for subject, answer in self._waiting.values():
            if f'"{subject.lower()}"' in reason:
                _set(answer, reason)

    async def _closed(self) -> None:
        self._lose(str(self._client.last_error or self.reason))

    def _lose(self, reason: str) -> None:
        if self._lost:
            return
        self._lost, self.reason = True, reason
        self._wake.set()
        for _, answer in self._waiting.values():
            _set(answer, f"the connection was lost ({reason})")
        for settled in self._settling:
            _set(settled, False)
        for callback in tuple(self._watchers):
            callback()


def status(message: Msg) -> str:
    """The status of a message that NATS itself sent, such as ``503``; empty for a real message."""
    return (message.headers or {}).get("Status", "")


def _set(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)
