"""Runs what answers to messages: a few at once, each as an owned task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from nats.aio.msg import Msg

from anyrig.core.errors import AnyrigError, BusUnavailable, Invalid

log = logging.getLogger(__name__)

FAILED = "Nats-Service-Error"
"""The header of an answer that says why there is none."""


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
            return b"", {FAILED: str(error)}
        except Exception:
            log.exception("the handler of %s failed", message.subject)
            return b"", {FAILED: "it failed"}
