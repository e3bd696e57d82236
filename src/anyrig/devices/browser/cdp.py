"""The Chrome DevTools Protocol, over a browser's two pipes.

Each message is JSON and a NUL. Who opened the pipes has the browser to himself: there is no port that others
could use. See https://chromedevtools.github.io/devtools-protocol/ (domains Target, Page, Input, Emulation).
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec

from anyrig.core.errors import Unavailable

LONGEST = 256 * 1024 * 1024
"""Bytes of a message: a picture without compression, in base64, has room."""
ANSWER_SECONDS = 20.0
WHAT = "The browser"
ENDED = "it has ended"

OnEvent = Callable[[str, msgspec.Raw], None]
"""Gets an event's name and its parameters."""


class _Error(msgspec.Struct):
    message: str = ""


class _Message(msgspec.Struct, rename="camel"):
    id: int = 0
    method: str = ""
    session_id: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: _Error | None = None


class Cdp:
    """Commands to a browser, and events from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._listeners: dict[str, OnEvent] = {}
        self.ended = asyncio.Event()
        """The browser is gone, or does not speak to us any more."""

    async def run(self) -> None:
        """Read until the browser ends. Whoever opens a Cdp runs this beside everything else."""
        decoder = msgspec.json.Decoder(_Message)
        try:
            while True:
                text = await self._reader.readuntil(b"\0")
                self._take(decoder.decode(text[:-1]))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, msgspec.DecodeError, OSError):
            pass  # all of them mean that it speaks no more, as ``ended`` then says
        finally:
            self._end()

    def listen(self, session: str, on_event: OnEvent) -> None:
        """Events of a session (of the browser itself: ``""``) go there, from now on."""
        self._listeners[session] = on_event

    def forget(self, session: str) -> None:
        self._listeners.pop(session, None)

    def send(self, method: str, session: str = "", **params: Any) -> int:
        """Send a command whose answer nobody waits for. Returns the number it has."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._writer.write(msgspec.json.encode(message) + b"\0")
        return number

    async def call(
        self, method: str, session: str = "", *, patience: float = ANSWER_SECONDS, **params: Any
    ) -> dict[str, Any]:
        """Send a command and wait for its result, ``patience`` seconds at most.

        Raises:
            Unavailable: The browser has ended, refuses it, or does not answer in time.
        """
        if self.ended.is_set():
            raise Unavailable(what=WHAT, reason=ENDED)
        number = self.send(method, session, **params)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(patience):
                result: dict[str, Any] = msgspec.json.decode(await answer)
                return result
        except TimeoutError:
            reason = f"no answer to {method} in {patience:g} s"
            raise Unavailable(what=WHAT, reason=reason) from None
        finally:
            del self._waiting[number]

    def _take(self, message: _Message) -> None:
        if message.method:
            if listener := self._listeners.get(message.session_id):
                listener(message.method, message.params)
        elif answer := self._waiting.get(message.id):
            _settle(answer, message)

    def _end(self) -> None:
        self.ended.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unavailable(what=WHAT, reason=ENDED))


def _settle(answer: "asyncio.Future[msgspec.Raw]", message: _Message) -> None:
    if answer.done():
        return
    if message.error is None:
        answer.set_result(message.result)
    else:
        answer.set_exception(Unavailable(what=WHAT, reason=message.error.message))
