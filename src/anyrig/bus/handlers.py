"""Runs what answers to messages: a few at once, each as an owned task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
from nats.aio.msg import Msg

from anyrig.core.errors import AnyrigError, BusUnavailable, Invalid, PeerFailed

log = logging.getLogger(__name__)

FAILED = "Nats-Service-Error"
"""The header of an answer that says why there is none: the error's code. The rest of it is in the body."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came to a subscription."""

    subject: str
    data: bytes


Handler = Callable[[Message], Awaitable[bytes | None]]
Send = Callable[[str, bytes, dict[str, str] | None], Awaitable[None]]
Spawn = Callable[[Coroutine[None, None, None]], None]


class Handlers:
    """The running calls of one handler; at most ``limit`` at once, the rest wait in order."""

    def __init__(self, handler: Handler, limit: int, spawn: Spawn, send: Send) -> None:
        self._handler = handler
        self._free = asyncio.Semaphore(limit)
        self._spawn = spawn
        self._send = send

    async def take(self, message: Msg) -> None:
        """Start the handler; waits while all places are taken."""
        await self._free.acquire()
        self._spawn(self._run(message))

    async def _run(self, message: Msg) -> None:
        try:
            reply, headers = await self._reply(message)
            if message.reply and reply is not None:
                await self._send(message.reply, reply, headers)
        except (BusUnavailable, Invalid) as error:
            log.warning("no answer to %s: %s", message.subject, error)
        finally:
            self._free.release()

    async def _reply(self, message: Msg) -> tuple[bytes | None, dict[str, str] | None]:
        try:
            return await self._handler(Message(message.subject, message.data)), None
        except AnyrigError as error:
            return _refusal(error), {FAILED: error.code}
        except Exception:
            log.exception("the handler of %s failed", message.subject)
            return _refusal(Invalid(reason="it failed")), {FAILED: AnyrigError.code}


def _refusal(error: AnyrigError) -> bytes:
    fields = error.fields.items()
    plain = {name: value if isinstance(value, int | float) else str(value) for name, value in fields}
    return msgspec.json.encode({"reason": str(error), "fields": plain})


def refused(subject: str, code: str, data: bytes) -> PeerFailed:
    """The error of an answer with the header ``FAILED``, of which ``code`` is the value."""
    try:
        told = msgspec.json.decode(data, type=dict[str, Any])
        error = AnyrigError.told(code, told["fields"])
        return PeerFailed(subject=subject, reason=told["reason"], error=error)
    except (msgspec.MsgspecError, LookupError, TypeError):
        return PeerFailed(subject=subject, reason=code, error=None)
