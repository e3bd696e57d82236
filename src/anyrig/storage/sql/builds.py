"""Tests of kind build, and their jobs."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from anyrig.core.build_records import Level
from anyrig.storage.schema import AnyRow
from anyrig.storage.schema_builds import build_jobs, builds

_PRESENT = select(builds).where(builds.c.listen_point == bindparam("key"), builds.c.removed.is_(None))
_BY_NUMBER = select(builds).where(builds.c.id == bindparam("key"))
_ADD_JOB = insert(build_jobs)
_JOB = select(build_jobs).where(build_jobs.c.job == bindparam("key"))
_ENDED = (
    update(build_jobs)
    .where(build_jobs.c.job == bindparam("of"), build_jobs.c.level.is_(None))
    .values(level=bindparam("now_level"), message=bindparam("now_message"))
)
_FORGET = update(build_jobs).where(build_jobs.c.job == bindparam("of")).values(sealed=None)


@dataclass(frozen=True, slots=True)
class Kept:
    """A build as it is kept; ``sealed`` is its app file, encrypted."""

    number: int
    listen_point: str
    project: str
    history: int
    sealed: bytes
    config_file: str | None
    created: int
    created_by: str


@dataclass(frozen=True, slots=True)
class Listener:
    """An extension that wants to tell of records."""

    extension: str
    level: int
    """Of this and higher levels."""
    everything: bool
    """Of all channels; else of runs as a whole only."""


@dataclass(frozen=True, slots=True)
class BuildJob:
    """A run of a build."""

    job: int
    build: int
    history: int
    listeners: tuple[Listener, ...]
    sealed: bytes | None
    level: Level | None
    message: str | None


def add(connection: Connection, build: Kept) -> Kept:
    """A new build; its number and history are made here. None other of its listen point may be there."""
    values = {
        "listen_point": build.listen_point,
        "project": build.project,
        "history": 0,
        "sealed": build.sealed,
        "created": build.created,
        "created_by": build.created_by,
    }
    number = int(connection.execute(insert(builds).returning(builds.c.id), values).scalar_one())
    connection.execute(update(builds).where(builds.c.id == number).values(history=number))
    return _known(connection, number)


def _known(connection: Connection, number: int) -> Kept:
    return _build(connection.execute(_BY_NUMBER, {"key": number}).one())


def present(connection: Connection, listen_point: str) -> Kept | None:
    return _one(connection, _PRESENT, listen_point)


def by_number(connection: Connection, number: int) -> Kept | None:
    """Also one that was removed."""
    return _one(connection, _BY_NUMBER, number)


def every(connection: Connection) -> list[Kept]:
    """Those that were not removed, by listen point."""
    statement = select(builds).where(builds.c.removed.is_(None)).order_by(builds.c.listen_point)
    return [_build(row) for row in connection.execute(statement)]


def remove(connection: Connection, number: int, now: int) -> None:
    connection.execute(update(builds).where(builds.c.id == number).values(removed=now))


def forget_files(connection: Connection, removed_before: int) -> int:
    """Forget the app files of builds that were removed before that time; how many."""
    old = update(builds).where(builds.c.removed < removed_before, builds.c.sealed != b"")
    return connection.execute(old.values(sealed=b"")).rowcount


def bind(connection: Connection, build: Kept, file: str) -> Kept:
    """Note where the app file is; the history goes on of the build removed last that came from there.

    What its jobs are still to say belongs to that history, too.
    """
    before = (
        select(builds.c.history)
        .where(
            builds.c.listen_point == build.listen_point,
            builds.c.project == build.project,
            builds.c.config_file == file,
            builds.c.removed.is_not(None),
        )
        .order_by(builds.c.removed.desc(), builds.c.id.desc())
        .limit(1)
    )
    history = connection.execute(before).scalar() or build.history
    here = update(builds).where(builds.c.id == build.number)
    connection.execute(here.values(config_file=file, history=history))
    if history != build.history:
        runs = update(build_jobs).where(build_jobs.c.history == build.history)
        connection.execute(runs.values(history=history))
    return _known(connection, build.number)


def add_job(
    connection: Connection, job: int, build: Kept, listeners: tuple[Listener, ...], sealed: bytes
) -> None:
    heard = [[each.extension, each.level, each.everything] for each in listeners]
    values = {"job": job, "build": build.number, "history": build.history, "listeners": heard}
    connection.execute(_ADD_JOB, values | {"sealed": sealed})


def job(connection: Connection, number: int) -> BuildJob | None:
    """The run that the job with this number is."""
    row = connection.execute(_JOB, {"key": number}).one_or_none()
    return _job(row) if row else None


def end_job(connection: Connection, number: int, level: Level, message: str) -> None:
    """Note what was said of its end, the first time that something is."""
    connection.execute(_ENDED, {"of": number, "now_level": level, "now_message": message})


def forget_spec(connection: Connection, number: int) -> None:
    """The job is over: nobody needs to know any more what its node had to."""
    connection.execute(_FORGET, {"of": number})


def waiting(connection: Connection, build: int) -> int:
    """How many runs are not over."""
    live = select(func.count()).where(build_jobs.c.build == build, build_jobs.c.sealed.is_not(None))
    return int(connection.execute(live).scalar_one())


def _one(connection: Connection, statement: Select[AnyRow], key: str | int) -> Kept | None:
    row = connection.execute(statement, {"key": key}).one_or_none()
    return _build(row) if row else None


def _build(row: AnyRow) -> Kept:
    return Kept(
        number=row.id,
        listen_point=row.listen_point,
        project=row.project,
        history=row.history,
        sealed=row.sealed,
        config_file=row.config_file,
        created=row.created,
        created_by=row.created_by,
    )


def _job(row: AnyRow) -> BuildJob:
    return BuildJob(
        job=row.job,
        build=row.build,
        history=row.history,
        listeners=tuple(Listener(*each) for each in row.listeners),
        sealed=row.sealed,
        level=None if row.level is None else Level(row.level),
        message=row.message,
    )
