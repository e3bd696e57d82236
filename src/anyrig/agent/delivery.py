"""Brings a task's entries to the server in order: files first, then the events that speak of them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex

from anyrig.agent.journal import Journal
from anyrig.agent.session import Delivered, Ended, Entry, Finished, Started, event_of
from anyrig.agent.uploads import Uploads
from anyrig.bus import codec, subjects
from anyrig.bus.client import Bus
from anyrig.core.errors import Unavailable
from anyrig.core.messages import Artifact, Event, EventBatch

_BATCH = 20
"""Entries in one message: their tracebacks are clipped, so it stays under a megabyte."""
_PAUSE = 1.0
_LINGER = 0.05
"""Seconds that the start of a test waits for its end, to travel in one message."""


class Delivery:
    """One task's way to the server; ``run`` until its end is delivered."""

    def __init__(
        self, bus: Bus, uploads: Uploads, journal: Journal, undelivered: Sequence[Entry], count: int
    ) -> None:
        self._bus = bus
        self._uploads = uploads
        self._journal = journal
        self._queue: list[Entry] = list(undelivered)
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._count = count
        self._mark = token_hex(8)
        """Message ids count for all agents together: nobody can use ours up before us."""

    def put(self, entry: Entry) -> None:
        self._queue.append(entry)
        self._news.set()
        if not isinstance(entry, Started):
            self._urgent.set()

    async def run(self) -> None:
        """Returns when the task's end has reached the bus; waits out any trouble."""
        while True:
            batch, events = await self._next(), list[Event]()
            for entry in batch:  # which grows: what comes during an upload travels with it
                events.append(event_of(entry, await self._upload(entry)))
                if self._is_last_result(entry) and not self._queue:
                    await self._wait_for_more(_LINGER)
                batch += self._taken(_BATCH - len(batch))
            await self._publish(tuple(events))
            self._delivered(batch)
            if isinstance(batch[-1], Ended):
                return

    def _is_last_result(self, entry: Entry) -> bool:
        """Then the task's end is about to come, and travels in the same message."""
        spec = self._journal.opened.spec
        return isinstance(entry, Finished) and not spec.forever and entry.seq + 1 == len(spec.tests)

    async def _wait_for_more(self, seconds: float) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _next(self) -> list[Entry]:
        while not self._queue:
            self._news.clear()
            await self._news.wait()
        if all(isinstance(entry, Started) for entry in self._queue):
            self._urgent.clear()
            await _wait(self._urgent, _LINGER)
        return self._taken(_BATCH)

    def _taken(self, most: int) -> list[Entry]:
        batch, self._queue = self._queue[:most], self._queue[most:]
        return batch

    async def _upload(self, entry: Entry) -> tuple[Artifact, ...]:
        match entry:
            case Finished():
                files = [(name, self._journal.folder / place) for name, place in entry.files]
                return await self._uploads.send(files)
            case Ended() if self._journal.log_size:
                return await self._uploads.send([("task.log", self._journal.log_path)])
            case _:
                return ()

    async def _publish(self, events: tuple[Event, ...]) -> None:
        spec, attempt = self._journal.opened.spec, self._journal.opened.attempt
        message = codec.encode(EventBatch(spec.task, attempt, spec.node, events))
        key = f"{spec.task}:{attempt}:{self._count}:{len(events)}:{self._mark}"
        while True:
            try:
                await self._bus.publish(subjects.event(spec.node, spec.task), message, msg_id=key)
            except Unavailable:
                await asyncio.sleep(_PAUSE)
            else:
                return

    def _delivered(self, batch: Sequence[Entry]) -> None:
        self._count += len(batch)
        self._journal.note(Delivered(self._count))
        for entry in batch:
            self._journal.release(entry)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
