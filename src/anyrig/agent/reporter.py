"""The Reporter of real life: numbers the results, journals them, and hands them to the delivery."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from anyrig.agent.clock import ServerClock
from anyrig.agent.delivery import Delivery
from anyrig.agent.journal import Journal
from anyrig.agent.logs import LogSender
from anyrig.agent.session import Ended, Entry, Finished, Started, clipped
from anyrig.core.build_records import Channel, Level
from anyrig.core.masking import Mask
from anyrig.core.messages import Noted
from anyrig.executors.base import Outcome

_FEW = 32
_LONGEST_RECORD = 64_000
"""Characters."""


class TaskReporter:
    """What an executor of one task reports to."""

    def __init__(
        self,
        journal: Journal,
        clock: ServerClock,
        delivery: Delivery,
        logs: LogSender,
        lost: Callable[[], bool],
    ) -> None:
        """``lost`` tells that the task is being given up: what ends by that is no result."""
        self._journal = journal
        self._clock = clock
        self._delivery = delivery
        self._logs = logs
        self._lost = lost
        self._running: Started | None = None
        self._unwritten: list[Entry] = []
        self._news = asyncio.Event()
        self._mask = Mask(journal.opened.spec.secrets.values())
        self._noted = 0
        self.results = journal.opened.spec.done

    def _masked(self, text: str | None) -> str | None:
        return None if text is None else self._mask.text(text)

    def now(self) -> int:
        return self._clock.now()

    def started(self, test: str) -> None:
        self._running = Started(self.results, test, self.now(), self._journal.log_size)
        self._put(self._running)

    def log(self, lines: bytes) -> None:
        self._journal.append_log(lines)
        self._logs.more()

    def record(self, channel: Channel, level: Level, message: str) -> None:
        if self._lost():
            return
        text = clipped(self._mask.text(message), _LONGEST_RECORD) or ""
        self._put(Noted(number=self._noted, at=self.now(), channel=channel, level=level, message=text))
        self._noted += 1

    async def finished(self, test: str, outcome: Outcome) -> None:
        if self._lost():
            return
        start, end = self._times(test, outcome.seconds)
        entry = Finished(
            seq=self.results,
            test=test,
            start=start,
            end=end,
            verdict=outcome.verdict,
            reason=self._masked(outcome.reason),
            traceback=self._masked(outcome.traceback),
            files=await self._adopted(outcome.files),
        )
        self._running = None
        self.results += 1
        self._put(entry)

    async def _adopted(self, files: dict[str, Path]) -> tuple[tuple[str, str], ...]:
        """A few links are made quicker than a thread is woken."""
        if len(files) <= _FEW:
            return self._journal.adopt(self.results, files)
        return await asyncio.to_thread(self._journal.adopt, self.results, files)

    def _times(self, test: str, seconds: float | None) -> tuple[int, int]:
        end = self.now()
        if seconds is not None:
            return end - round(seconds * 1e6), end
        running = self._running
        return (running.at if running and running.test == test else end), end

    def ended(self, *, stopped: bool, lost: str = "") -> None:
        """The executor has returned, or never will."""
        self._put(Ended(self.results, stopped, lost))

    def _put(self, entry: Entry) -> None:
        self._unwritten.append(entry)
        self._news.set()

    async def run(self) -> None:
        """Write what happens into the journal, and hand it to the delivery, until the task has ended.

        Results are on their way while they are brought to the disk: only a power cut in the midst of that
        takes them from the journal, and then either the server has them, or nobody has heard of them.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._news.wait()
                self._news.clear()
                entries, self._unwritten = self._unwritten, []
                self._journal.note(*entries)
                for entry in entries:
                    self._delivery.put(entry)
                if any(isinstance(entry, Finished) for entry in entries):
                    group.create_task(asyncio.to_thread(self._journal.sync))
                if isinstance(entries[-1], Ended):
                    return
