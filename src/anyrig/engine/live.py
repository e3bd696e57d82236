"""A job as it goes on: its log lines, results and changes of state in one stream, from where one left off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyrig.core.errors import NotFound
from anyrig.core.records import Job, Result, Task
from anyrig.core.told import Told, told_of
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.engine.logs import LogLines, TaskLog
from anyrig.engine.pages import job_numbered
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import tasks as tasks_sql
from anyrig.storage.sql.live import results_from

QUIET = 15.0
"""Seconds without news after which followers are told that there are none."""
_LOOK_AGAIN = 5.0
"""Seconds after which a follower looks without having been woken."""
_AHEAD = 64
"""How much may wait for a follower that is slow."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the job stands now."""

    job: Job
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class NewResult:
    """A result of the task at this position was committed."""

    task: int
    result: Result


@dataclass(frozen=True, slots=True)
class NoNews:
    """Nothing happened for a while."""


@dataclass(frozen=True, slots=True)
class Over:
    """The job is over and everything was told."""

    job: Job


@dataclass(frozen=True, slots=True)
class _Cut:
    """The server ends, and the job goes on."""


Happening = LogLines | NewResult | Standing | NoNews | Over


@asynccontextmanager
async def following(
    lab: Lab, who: Principal, number: int, told: Told = ()
) -> AsyncIterator[AsyncIterator[Happening]]:
    """What happens to the job, beginning with what has happened already, less what ``told`` covers.

    The last happening is ``Over``, unless the server ends: then the client comes back, and is told the rest.
    Log lines and results of one task are in order, and each comes once.

    Raises:
        NotFound: There is no such job.
    """
    job = await job_numbered(lab, who, number)
    queue: asyncio.Queue[Happening | _Cut] = asyncio.Queue(_AHEAD)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_Follower(lab, job, told, queue).run())
        try:
            yield _happenings(queue)
        finally:
            running.cancel()


async def _happenings(queue: asyncio.Queue[Happening | _Cut]) -> AsyncIterator[Happening]:
    item: Happening | _Cut = NoNews()
    while not isinstance(item, Over):
        try:
            async with asyncio.timeout(QUIET):
                item = await queue.get()
        except TimeoutError:
            item = NoNews()
        if isinstance(item, _Cut):
            return
        yield item


class _Follower:
    """Looks at the database whenever the job has changed, and reads the logs of its tasks meanwhile."""

    def __init__(self, lab: Lab, job: Job, told: Told, queue: asyncio.Queue[Happening | _Cut]) -> None:
        self._lab = lab
        self._number = job.number
        self._told = told
        self._queue = queue
        self._logs: dict[int, TaskLog] = {}
        self._results: dict[int, int] = {}
        self._standing: Standing | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while not (stands := await self._look(group)).job.is_over and not self._lab.waiters.closed:
                pass
            for log in self._logs.values():
                log.stop()
        if not stands.job.is_over:
            await self._queue.put(_Cut())
            return
        for task in stands.tasks:
            await self._log(task).tell_rest(task)
        await self._queue.put(Over(stands.job))

    async def _look(self, group: asyncio.TaskGroup) -> Standing:
        """Tell what is new and, unless the job is over, wait until something may be."""
        with self._lab.waiters.waiting(f"job.{self._number}") as wait:
            stands, results = await self._lab.db.read(self._read)
            await self._tell(stands, results)
            if not stands.job.is_over:
                for task in stands.tasks:
                    self._log(task).watch(group, task)
                await wait(_LOOK_AGAIN)
        return stands

    async def _tell(self, stands: Standing, results: list[NewResult]) -> None:
        for new in results:
            self._results[new.task] += 1
            await self._queue.put(new)
        if stands != self._standing:
            self._standing = stands
            await self._queue.put(stands)

    def _read(self, connection: Connection) -> tuple[Standing, list[NewResult]]:
        job = jobs_sql.by_number(connection, self._number)
        if job is None:
            raise NotFound(what="job", name=self._number)
        tasks = tasks_sql.of_job(connection, self._number)
        new = [
            NewResult(task.position, result)
            for task in tasks
            for result in results_from(connection, task.number, self._seen(task.position))
        ]
        return Standing(job, tuple(tasks)), new

    def _seen(self, position: int) -> int:
        return self._results.setdefault(position, told_of(self._told, position).results)

    def _log(self, task: Task) -> TaskLog:
        if task.position not in self._logs:
            told = told_of(self._told, task.position)
            self._logs[task.position] = TaskLog(self._lab, told, self._queue.put)
        return self._logs[task.position]
