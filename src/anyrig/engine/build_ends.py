"""What nodes say of runs of builds, and what is said when one is over."""

from collections.abc import Sequence

from anyrig.core.build_records import BUILD_FAILED, Channel, Level, Record
from anyrig.core.messages import EventBatch, Noted
from anyrig.core.records import Job, Task
from anyrig.core.results import Verdict
from anyrig.core.tests import Kind
from anyrig.engine.outgoing import Ended
from anyrig.storage import Connection
from anyrig.storage.sql import build_records as records_sql
from anyrig.storage.sql import builds
from anyrig.storage.sql import results as results_sql


def keep_said(connection: Connection, task: Task, batch: EventBatch) -> bool:
    """Keep what the batch says of a run, each record once; whether others are to be told of it."""
    said = [event for event in batch.events if isinstance(event, Noted)]
    run = builds.job(connection, task.job) if said else None
    if run is None:
        return False
    records_sql.ingest(connection, run, task.number, batch.attempt, said)
    for each in said:
        if each.channel is Channel.RUN and each.level >= Level.INFO:
            builds.end_job(connection, run.job, each.level, each.message)
    return bool(run.listeners)


def ended(connection: Connection, job: Job, now: int) -> Ended:
    """The job is over. A run whose node could not say how has failed, for the reason of its result."""
    run = builds.job(connection, job.number) if job.kind == Kind.BUILD else None
    if run is None:
        return Ended(job.uid)
    builds.forget_spec(connection, job.number)
    if run.level is not None and run.message:
        return Ended(job.uid, is_build=True, said=(run.level, run.message))
    for verdict, reason in results_sql.reasons_of(connection, job.number):
        if verdict is not Verdict.PASS:
            _say_failed(connection, run, reason, now)
            return Ended(job.uid, is_build=True, said=(Level.ERROR, BUILD_FAILED))
    return Ended(job.uid, is_build=True)


def _say_failed(connection: Connection, run: builds.BuildJob, reason: str | None, now: int) -> None:
    said: Sequence[Record] = (
        Record(now, Channel.ACTIONS, Level.ERROR, f"Execution failed: {reason or 'unknown'}"),
        Record(now, Channel.RUN, Level.ERROR, BUILD_FAILED),
    )
    for record in said:
        records_sql.add(connection, run.build, run.history, run.listeners, record, run.job)
    builds.end_job(connection, run.job, Level.ERROR, BUILD_FAILED)
