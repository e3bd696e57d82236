"""What agents say happened becomes the truth: idempotent, fenced by the attempt, one transaction a batch."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from anyrig.core.jobs import ENDED, Event, State
from anyrig.core.messages import CaseFinished, CaseStarted, EventBatch, TaskFinished
from anyrig.core.records import Job, Task
from anyrig.core.results import Verdict
from anyrig.engine import build_ends, place
from anyrig.engine.lab import Lab
from anyrig.engine.outgoing import Changed, Dispatched, Ended, Outgo, Said
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import results as results_sql
from anyrig.storage.sql import tasks as tasks_sql


class TooEarly(Exception):
    """An earlier event of the task is still on its way; take this batch again later."""


@dataclass(slots=True)
class Consequences:
    """What follows from a commit."""

    dispatched: list[Dispatched] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    said: bool = False
    """Something was said of a build that others are to be told of."""
    lost: tuple[Task, str] | None = None
    """The agent gave this task up, and why."""

    def everything(self) -> list[Outgo]:
        """What to say, the end of jobs first: somebody waits for that."""
        return [*self.ended, *self.dispatched, *self.changed, *([Said()] if self.said else ())]


async def ingest(
    lab: Lab, batch: EventBatch, objects: Sequence[tuple[str, str, bytes]] = ()
) -> tuple[Task, str] | None:
    """Commit a batch of events; returns the task and why, if the agent gave it up.

    An old attempt, or a task that has ended, changes nothing: the batch is done with. ``objects``, which the
    events speak of, are stored meanwhile: the disk works on both at once. Nobody is told before both are
    there; an agent that was not told sends all of it again.

    Raises:
        TooEarly: The end of the task came before one of its results.
    """
    now = lab.now()
    writing = lab.db.write(lambda c: _ingest(c, batch, now))
    follows = (await asyncio.gather(writing, lab.objects.put_small(objects)))[0] if objects else await writing
    lab.outgoing.put(follows.everything())
    return follows.lost


def _ingest(connection: Connection, batch: EventBatch, now: int) -> Consequences:
    follows = Consequences()
    task = tasks_sql.by_number(connection, batch.task)
    if task is None or not _is_current(task, batch):
        return follows
    job = jobs_sql.by_number(connection, task.job)
    if job is None:
        return follows
    follows.said = build_ends.keep_said(connection, task, batch)
    begun = _begun(batch)
    for event in batch.events:
        match event:
            case CaseStarted() if event is begun:
                tasks_sql.begin_case(
                    connection, task.number, event.seq, event.test, event.at, event.log_offset
                )
            case CaseFinished():
                keep(connection, job, task, event)
            case TaskFinished(lost=""):
                _finish(connection, job, task, event, now, follows)
            case TaskFinished(lost=reason):
                _expect(connection, task, event.results)
                follows.lost = (task, reason)
    follows.changed.append(Changed(job.number))
    return follows


def _begun(batch: EventBatch) -> CaseStarted | None:
    """The start of a test that anybody can still see when the batch is committed."""
    if any(isinstance(event, TaskFinished) and not event.lost for event in batch.events):
        return None
    return next((event for event in reversed(batch.events) if isinstance(event, CaseStarted)), None)


def _is_current(task: Task, batch: EventBatch) -> bool:
    running = task.state in {State.RUNNING, State.STOPPING}
    return running and task.attempt == batch.attempt and task.node == batch.node


def keep(connection: Connection, job: Job, task: Task, case: CaseFinished) -> None:
    """Keep a result, once, and count it."""
    if results_sql.add(connection, job, task, case) is not None:
        jobs_sql.count(connection, job.number, case.verdict)


def _finish(
    connection: Connection, job: Job, task: Task, event: TaskFinished, now: int, follows: Consequences
) -> None:
    kept = _expect(connection, task, event.results)
    log = event.log
    moved = tasks_sql.move(
        connection,
        task,
        Event.FINISH,
        ended=now,
        running_seq=None,
        log_sha256=log.sha256 if log else None,
        log_size=log.size if log else None,
    )
    if moved:
        close(connection, job, task, now, follows, kept)


def _expect(connection: Connection, task: Task, results: int) -> int:
    """How many results are kept; raises TooEarly unless there are ``results``."""
    kept = results_sql.how_many(connection, task.number)
    if kept < results:
        raise TooEarly
    return kept


def close(
    connection: Connection, job: Job, task: Task, now: int, follows: Consequences, kept: int | None = None
) -> None:
    """A task has just ended: settle its job, which must not end without a result, and use the free node.

    ``kept``: how many results the task has, where that is known.
    """
    if not (results_sql.how_many(connection, task.number) if kept is None else kept):
        keep(connection, job, task, never_started(job, now))
    if jobs_sql.settle(connection, job.number, now) in ENDED:
        follows.ended.append(build_ends.ended(connection, job, now))
    follows.dispatched += place.place_waiting(connection, now)


def never_started(job: Job, now: int) -> CaseFinished:
    """The one result of a task that was ended before its first test."""
    by = f" by {job.stopped_by}" if job.stopped_by else ""
    return error_case(0, job.tests[0] if job.tests else job.kind, now, f"Stopped{by} before it started.")


def error_case(seq: int, test: str, at: int, reason: str, start: int | None = None) -> CaseFinished:
    """A result that says only why there is none."""
    return CaseFinished(
        seq=seq,
        test=test,
        start=at if start is None else start,
        end=at,
        verdict=Verdict.ERROR,
        reason=reason,
        traceback="",
    )
