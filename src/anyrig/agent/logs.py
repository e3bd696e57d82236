"""Sends a task's log to the bus while it grows: what cannot be sent now waits in the journal's file."""

import asyncio
import time
from contextlib import suppress

from anyrig.agent.journal import Journal
from anyrig.bus.client import Bus
from anyrig.core.errors import Unavailable

_CHUNK = 60_000
"""Bytes in one message."""
_PAUSE = 1.0
_MOMENT = 0.02
"""Seconds."""


class LogSender:
    """One task's log; ``run`` until ``finish`` was called and everything is sent."""

    def __init__(self, bus: Bus, journal: Journal) -> None:
        self._bus = bus
        self._journal = journal
        self._news = asyncio.Event()
        self._finished = False
        self._comes_whole = False

    def more(self) -> None:
        self._news.set()

    def finish(self, *, comes_whole: bool = False) -> None:
        """No line comes any more. ``comes_whole``: the server gets all of it with the task's end anyway."""
        self._finished = True
        self._comes_whole = comes_whole
        self._news.set()

    async def run(self) -> None:
        if await self._is_short():
            return
        sent = 0
        while True:
            self._news.clear()
            if sent < self._journal.log_size:
                sent += await self._send(sent)
            elif self._finished:
                return
            else:
                await self._news.wait()

    async def _is_short(self) -> bool:
        """Whether the task ends before anybody can read along: then its log comes whole, with its end."""
        deadline = time.monotonic() + _MOMENT
        while not self._finished and (left := deadline - time.monotonic()) > 0:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()
        return self._finished and self._comes_whole

    async def _send(self, offset: int) -> int:
        """How many bytes more the bus has; none when it is away."""
        spec = self._journal.opened.spec
        chunk = self._journal.read_log(offset, _CHUNK)
        try:
            await self._bus.log_publish(spec.node, spec.task, self._journal.opened.attempt, offset, chunk)
        except Unavailable:
            await asyncio.sleep(_PAUSE)
            return 0
        return len(chunk)
