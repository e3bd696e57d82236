"""The Reporter of real life: numbers the results, journals them, and hands them to the delivery."""

import asyncio
from collections.abc import Callable

from anyrig.agent.clock import ServerClock
from anyrig.agent.delivery import Delivery
from anyrig.agent.journal import Journal
from anyrig.agent.logs import LogSender
from anyrig.agent.session import Ended, Entry, Finished, Started
from anyrig.executors.base import Outcome


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
        self.results = journal.opened.spec.done

    def now(self) -> int:
        return self._clock.now()

    def started(self, test: str) -> None:
        self._running = Started(self.results, test, self.now(), self._journal.log_size)
        self._journal.note(self._running)
        self._delivery.put(self._running)

    def log(self, lines: bytes) -> None:
        self._journal.append_log(lines)
        self._logs.more()

    async def finished(self, test: str, outcome: Outcome) -> None:
        if self._lost():
            return
        entry = await asyncio.to_thread(self._write, test, outcome)
        self._running = None
        self.results += 1
        self._delivery.put(entry)

    def _write(self, test: str, outcome: Outcome) -> Finished:
        start, end = self._times(test, outcome.seconds)
        entry = Finished(
            seq=self.results,
            test=test,
            start=start,
            end=end,
            verdict=outcome.verdict,
            reason=outcome.reason,
            traceback=outcome.traceback,
            files=self._journal.adopt(self.results, outcome.files),
        )
        self._journal.write(entry)
        return entry

    def _times(self, test: str, seconds: float | None) -> tuple[int, int]:
        end = self.now()
        if seconds is not None:
            return end - round(seconds * 1e6), end
        running = self._running
        return (running.at if running and running.test == test else end), end

    def ended(self, *, stopped: bool, lost: str = "") -> None:
        """The executor has returned, or never will."""
        entry: Entry = Ended(self.results, stopped, lost)
        self._journal.note(entry)
        self._delivery.put(entry)
