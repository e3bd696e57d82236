"""Brings a task's entries to the server in order: files first, then the events that speak of them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from secrets import token_hex

from anyrig.agent.journal import Journal
from anyrig.agent.session import Delivered, Ended, Entry, Finished, event_of
from anyrig.agent.uploads import Uploads
from anyrig.bus import codec, subjects
from anyrig.bus.client import Bus
from anyrig.core.errors import Unavailable
from anyrig.core.messages import Event, EventBatch

_BATCH = 20
"""Entries in one message: their tracebacks are clipped, so it stays under a megabyte."""
_PAUSE = 1.0
_GATHER = 0.1
"""Seconds in which results gather, to travel in one message."""
_LINGER = 0.05
"""Seconds that the last result waits for the task's end."""


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
        if isinstance(entry, Ended) or self._is_last_result(entry):
            self._urgent.set()

    async def run(self) -> None:
        """Returns when the task's end has reached the bus; waits out any trouble."""
        while True:
            batch = await self._next()
            events = await self._events(batch)
            if self._is_last_result(batch[-1]):
                more = await self._rest()
                batch, events = batch + more, events + await self._events(more)
            await self._publish(tuple(events))
            self._delivered(batch)
            if isinstance(batch[-1], Ended):
                return

    def _is_last_result(self, entry: Entry) -> bool:
        """Then the task's end is about to come, and travels in the same message."""
        spec = self._journal.opened.spec
        return isinstance(entry, Finished) and not spec.forever and entry.seq + 1 == len(spec.tests)

    async def _next(self) -> list[Entry]:
        """What there is, as soon as the task has ended; else what comes within a tenth of a second."""
        if not self._queue:
            self._news.clear()
            await self._news.wait()
        if not self._urgent.is_set():
            await _wait(self._urgent, _GATHER)
        return self._taken()

    async def _rest(self) -> list[Entry]:
        if not self._queue:
            self._news.clear()
            await _wait(self._news, _LINGER)
        return self._taken()

    def _taken(self) -> list[Entry]:
        batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
        return batch

    async def _events(self, batch: Sequence[Entry]) -> list[Event]:
        """Upload the entries' files, all together, and say what there is to say."""
        files = [self._files(entry) for entry in batch]
        sent = iter(await self._uploads.send([file for each in files for file in each]))
        return [
            event_of(entry, tuple(islice(sent, len(each)))) for entry, each in zip(batch, files, strict=True)
        ]

    def _files(self, entry: Entry) -> list[tuple[str, Path]]:
        match entry:
            case Finished():
                return [(name, self._journal.folder / place) for name, place in entry.files]
            case Ended() if self._journal.log_size:
                return [("task.log", self._journal.log_path)]
            case _:
                return []

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
