"""A task's log: from the bus while the task runs, from the object store afterwards."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from anyrig.core.errors import NotFound
from anyrig.core.records import Task
from anyrig.core.told import Reading, TaskTold, fed
from anyrig.engine.lab import Lab

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class LogLines:
    """Whole lines of a task's log; only the very last may lack its newline."""

    task: int
    """The task's position in its job."""
    attempt: int
    end: int
    """The byte of the log behind them."""
    text: bytes


async def log_of(lab: Lab, task: Task, start: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
    """Offset and bytes of the log as it is now, from byte ``start`` on; to be left by ``aclosing``.

    Nothing for a task that never ran. A block may begin before ``start``.

    Raises:
        NotFound: The log was deleted.
        BusUnavailable: The bus does not answer.
    """
    if task.log_sha256 is not None and task.log_size is not None:
        at = min(start, task.log_size)
        async for block in lab.objects.open(task.log_sha256, at, task.log_size):
            yield at, block
            at += len(block)
    elif task.attempt > 0 and task.node is not None:
        async with aclosing(_on_bus(lab, task, follow=False)) as chunks:
            async for offset, chunk in chunks:
                if offset + len(chunk) > start:
                    yield offset, chunk


def _on_bus(lab: Lab, task: Task, *, follow: bool) -> AsyncGenerator[tuple[int, bytes]]:
    return lab.bus.read_log(task.number, task.attempt, task.node or "", follow=follow)


class TaskLog:
    """Tells one follower the log of one task, line by line and each line once."""

    def __init__(self, lab: Lab, told: TaskTold, put: Callable[[LogLines], Awaitable[None]]) -> None:
        self._lab = lab
        self._put = put
        self._attempt = told.attempt
        self._reading = Reading(told.offset)
        self._reader: asyncio.Task[None] | None = None

    def watch(self, group: asyncio.TaskGroup, task: Task) -> None:
        """Tell the log as it grows, until ``stop``. A new attempt has a new log."""
        if task.attempt == 0 or (self._reader is not None and self._attempt == task.attempt):
            return
        self.stop()
        self._begin(task.attempt)
        self._reader = group.create_task(self._follow(task))

    def stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()

    async def _follow(self, task: Task) -> None:
        async with aclosing(_on_bus(self._lab, task, follow=True)) as chunks:
            async for offset, chunk in chunks:
                await self._tell(task, offset, chunk)

    async def tell_rest(self, task: Task) -> None:
        """What was not told yet of the log of a task that has ended, and so has the group of ``watch``."""
        self._begin(task.attempt)
        with suppress(NotFound):  # deleted meanwhile
            async with aclosing(log_of(self._lab, task, self._reading.end)) as blocks:
                async for offset, block in blocks:
                    await self._tell(task, offset, block)
        if self._reading.rest:
            await self._put(LogLines(task.position, task.attempt, self._reading.end, self._reading.rest))

    def _begin(self, attempt: int) -> None:
        if attempt != self._attempt:
            self._attempt, self._reading = attempt, Reading()

    async def _tell(self, task: Task, offset: int, block: bytes) -> None:
        """Whoever is cancelled here has told what the reading says, and no more."""
        for at in range(0, len(block), _PIECE):
            reading, lines = fed(self._reading, offset + at, block[at : at + _PIECE])
            if lines:
                await self._put(LogLines(task.position, task.attempt, reading.at, lines))
            self._reading = reading
