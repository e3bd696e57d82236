"""Brings a task's entries to the server in order: files first, then the events that speak of them."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from secrets import token_hex

from anyrig.agent.journal import Journal
from anyrig.agent.measured import Measured
from anyrig.agent.session import Delivered, Ended, Entry, Finished, event_of
from anyrig.agent.uploads import Uploads, little
from anyrig.bus import codec, subjects
from anyrig.bus.client import Bus
from anyrig.core.errors import Unavailable
from anyrig.core.messages import Artifact, Event, EventBatch, Noted

_BATCH = 200
"""Entries in one message."""
_WEIGHT = 400_000
"""Bytes of a message's entries, at worst, but for the last: so it stays under a megabyte."""
_PAUSE = 1.0
_GATHER = 0.1
"""Seconds in which results gather, to travel in one message."""
_ANSWER_SECONDS = 10.0
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
        self._is_short = True
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
            if self._is_last_result(batch[-1]):
                batch += await self._rest()
            if not (self._is_short and await self._told(batch)):
                self._is_short = False
                await self._publish(tuple(await self._events(batch)))
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
        """As much as one message takes."""
        count = weight = 0
        while count < min(len(self._queue), _BATCH) and weight <= _WEIGHT:
            weight += _weight(self._queue[count])
            count += 1
        batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    async def _told(self, batch: Sequence[Entry]) -> bool:
        """The short way: one message to a server, with the files in it if they are small.

        True when the server has committed it. After what does not go this way all goes the long one, through
        the stream: what it has must not be overtaken.
        """
        files = [self._files(entry) for entry in batch]
        measured = little([file for each in files for file in each])
        if measured is None:
            return False
        events = _said(batch, files, [one.artifact for one in measured])
        is_told = await self._ask(events, self._uploads.unknown(measured))
        if is_told:
            self._uploads.came(measured)
        return is_told

    async def _ask(self, events: Sequence[Event], files: Sequence[Measured]) -> bool:
        spec, attempt = self._journal.opened.spec, self._journal.opened.attempt
        objects = [(one.artifact.sha256, one.artifact.md5, one.content or b"") for one in files]
        batch = EventBatch(spec.task, attempt, spec.node, tuple(events))
        message = codec.encode_with_objects(batch, objects)
        try:
            await self._bus.request(subjects.control("events", spec.node), message, timeout=_ANSWER_SECONDS)
        except Unavailable:
            return False
        return True

    async def _events(self, batch: Sequence[Entry]) -> list[Event]:
        """Upload the entries' files, all together, and say what there is to say."""
        files = [self._files(entry) for entry in batch]
        return _said(batch, files, await self._uploads.send([file for each in files for file in each]))

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


def _said(
    batch: Sequence[Entry], files: Sequence[Sequence[tuple[str, Path]]], sent: Iterable[Artifact]
) -> list[Event]:
    """The events; ``sent`` are all files as the server knows them, one after the other."""
    left = iter(sent)
    return [event_of(entry, tuple(islice(left, len(each)))) for entry, each in zip(batch, files, strict=True)]


def _weight(entry: Entry) -> int:
    """JSON makes up to six bytes of a character; reasons and tracebacks are clipped."""
    match entry:
        case Noted():
            return 100 + 6 * len(entry.message)
        case Finished():
            return 20_000 + 300 * len(entry.files)
        case _:
            return 100


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
