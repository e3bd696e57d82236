"""Builds as people look at them: how each stands, what was said of it page by page, and its jobs."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.records import Job
from anyrig.storage.schema import jobs
from anyrig.storage.schema_builds import build_jobs, build_records, builds
from anyrig.storage.sql import jobs as jobs_sql

Key = tuple[int, int]
"""When a record was said, and its number."""
_END = (
    select(build_records.c.id)
    .where(
        build_records.c.history == builds.c.history,
        build_records.c.channel == Channel.RUN,
        build_records.c.level >= Level.INFO,
    )
    .order_by(build_records.c.at.desc(), build_records.c.id.desc())
    .limit(1)
    .correlate(builds)
    .scalar_subquery()
)
_WAITING = (
    select(func.count())
    .where(build_jobs.c.build == builds.c.id, build_jobs.c.sealed.is_not(None))
    .correlate(builds)
    .scalar_subquery()
)
_LAST = build_records.alias("last")
_STANDING = (
    select(
        builds.c.id, _LAST.c.at, _LAST.c.channel, _LAST.c.level, _LAST.c.message, _WAITING.label("waiting")
    )
    .select_from(builds.outerjoin(_LAST, _LAST.c.id == _END))
    .where(builds.c.removed.is_(None))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a build stands now."""

    last: Record | None
    """What was said of the run that ended last; None: none has."""
    waiting: int
    """How many runs are not over."""


NEW = Standing(None, 0)
"""Of a build that was never run."""


@dataclass(frozen=True, slots=True)
class Said:
    """A record, and the number of the job that it is about."""

    key: Key
    record: Record
    job: int | None
    """None: it is about the build itself, or says that a run was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records of a history, and how many."""

    level: int
    """Of this and higher ones."""
    channel: Channel | None
    """None: all."""
    limit: int
    before: Key | None
    """The key of the last one already seen."""


def standing(connection: Connection, build: int | None = None) -> dict[int, Standing]:
    """Of all builds that are there, by their numbers, or of one."""
    statement = _STANDING if build is None else _STANDING.where(builds.c.id == build)
    return {
        row.id: Standing(
            None
            if row.message is None
            else Record(row.at, Channel(row.channel), Level(row.level), row.message),
            row.waiting,
        )
        for row in connection.execute(statement)
    }


def page(connection: Connection, history: int, wanted: Wanted) -> list[Said]:
    """The newest first."""
    table = build_records.c
    found = (
        select(table.id, table.at, table.channel, table.level, table.message, table.job)
        .where(table.history == history)
        .order_by(table.at.desc(), table.id.desc())
        .limit(wanted.limit)
    )
    if wanted.level > Level.DEBUG:
        found = found.where(table.level >= wanted.level)
    if wanted.channel is not None:
        found = found.where(table.channel == wanted.channel)
    if wanted.before is not None:
        found = found.where(tuple_(table.at, table.id) < tuple_(*wanted.before))
    return [
        Said((row.at, row.id), Record(row.at, Channel(row.channel), Level(row.level), row.message), row.job)
        for row in connection.execute(found)
    ]


def jobs_of(connection: Connection, history: int, limit: int) -> list[Job]:
    """The newest first."""
    numbers = (
        select(build_jobs.c.job)
        .join(jobs, jobs.c.id == build_jobs.c.job)
        .where(build_jobs.c.history == history, jobs.c.deleted.is_(None))
        .order_by(build_jobs.c.job.desc())
        .limit(limit)
    )
    found = (jobs_sql.by_number(connection, number) for number in connection.execute(numbers).scalars().all())
    return [job for job in found if job is not None]
