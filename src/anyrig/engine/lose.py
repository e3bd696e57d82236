"""A node fell silent, or its agent was restarted: its task runs again, or ends with error results."""

import hashlib
from collections import Counter
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from anyrig.core.errors import Unavailable
from anyrig.core.jobs import Event, State
from anyrig.core.messages import Artifact, CaseFinished
from anyrig.core.records import Job, Task
from anyrig.engine import place
from anyrig.engine.ingest import Consequences, close, error_case, keep
from anyrig.engine.lab import Lab
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import results as results_sql
from anyrig.storage.sql import tasks as tasks_sql

_KEPT_LOG = 64 * 1024 * 1024
"""How much of a lost task's live log is kept, in bytes."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is known of a lost task."""

    why: str
    log: Artifact | None
    case_log: Artifact | None
    """The part of the log that belongs to the test that ran."""


async def lose_if_silent(lab: Lab, task: Task, why: str) -> None:
    """Like ``lose``, but not while events are stored that were not ingested: they may be this task's."""
    if task.state is State.PLACED or not await lab.bus.pending_events():
        await lose(lab, task, why)


async def lose(lab: Lab, task: Task, why: str) -> None:
    """End the task, or queue it again if its job asked for retries; ``why`` is a sentence.

    Does nothing when the task is not as given any more.
    """
    log = await _rescued_log(lab, task) if task.attempt else b""
    kept = await _keep(lab, log)
    case_log = await _keep(lab, log[task.running_offset or 0 :])
    now = lab.now()
    follows = await lab.db.write(lambda c: _lose(c, task, Loss(why, kept, case_log), now))
    lab.outgoing.put(follows.everything())


async def _rescued_log(lab: Lab, task: Task) -> bytes:
    """What of the task's log had reached the bus."""
    pieces: list[bytes] = []
    size = 0
    with suppress(Unavailable):
        async with aclosing(
            lab.bus.read_log(task.number, task.attempt, task.node or "", follow=False)
        ) as log:
            async for _, chunk in log:
                size += len(chunk)
                if size > _KEPT_LOG:
                    break
                pieces.append(chunk)
    return b"".join(pieces)


async def _keep(lab: Lab, data: bytes) -> Artifact | None:
    if not data:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    await lab.objects.put_small([(sha256, md5, data)])
    return Artifact("combined.log", len(data), md5, sha256)


def _lose(connection: Connection, task: Task, loss: Loss, now: int) -> Consequences:
    follows = Consequences()
    job = jobs_sql.by_number(connection, task.job)
    current = tasks_sql.by_number(connection, task.number)
    if job is None or current is None or (current.state, current.attempt) != (task.state, task.attempt):
        return follows
    if _runs_again(job, current):
        _requeue(connection, job, current, now, follows)
    else:
        _end(connection, job, current, loss, now, follows)
    return follows


def _runs_again(job: Job, task: Task) -> bool:
    """A task that nobody began may go elsewhere; one that was begun needs a retry that the job asked for."""
    if task.state is State.PLACED:
        return task.wanted_node is None
    return task.state is State.RUNNING and task.attempt <= job.retries


def _requeue(connection: Connection, job: Job, task: Task, now: int, follows: Consequences) -> None:
    tasks_sql.forget_dispatch(connection, task.number)
    tasks_sql.move(connection, task, Event.WITHDRAW, node=None, holder=None, running_seq=None)
    jobs_sql.settle(connection, job.number, now)
    follows.dispatched += place.place_waiting(connection, now)


def _end(connection: Connection, job: Job, task: Task, loss: Loss, now: int, follows: Consequences) -> None:
    for case in _unfinished(connection, job, task, loss, now):
        keep(connection, job, task, case)
    tasks_sql.forget_dispatch(connection, task.number)
    tasks_sql.move(
        connection,
        task,
        Event.LOSE,
        ended=now,
        running_seq=None,
        log_sha256=loss.log.sha256 if loss.log else None,
        log_size=loss.log.size if loss.log else None,
    )
    close(connection, job, task, now, follows)


def _unfinished(connection: Connection, job: Job, task: Task, loss: Loss, now: int) -> list[CaseFinished]:
    """An error result for the test that ran, and for each that was still to run."""
    names = results_sql.names(connection, task.number)
    seq, cases = len(names), []
    if task.running_seq is not None and task.running_test is not None and task.running_seq == seq:
        artifacts = (loss.case_log,) if loss.case_log else ()
        case = error_case(
            seq, task.running_test, now, f"{loss.why} The test was running.", task.running_since
        )
        cases.append(replace(case, artifacts=artifacts))
        names.append(task.running_test)
    if task.state is State.STOPPING or (job.forever and names):
        return cases
    missing = Counter(job.tests) - Counter(names)
    for test in missing.elements():
        reason = f"{loss.why} The test had not started."
        cases.append(error_case(seq + len(cases), test, now, reason))
    return cases[: 1 if job.forever else None]
