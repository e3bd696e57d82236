"""Results go: first everything about them but that they were there, later that, too."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, text, union_all, update

from anyrig.core.retention import Books, Object, Old
from anyrig.storage.schema import (
    DELETED,
    PRESENT,
    artifacts,
    jobs,
    reasons,
    result_reasons,
    result_tags,
    results,
    tasks,
)

Place = tuple[int, int]
"""(start, number) of a result."""


def count(connection: Connection) -> int:
    """The results that are there."""
    statement = select(func.count()).select_from(results).where(results.c.deleted.is_(None))
    return int(connection.execute(statement).scalar_one())


def oldest(connection: Connection, limit: int, ended_before: int, behind: Place | None = None) -> list[Old]:
    """The oldest results that may go, behind a place; their jobs were over at ``ended_before``."""
    statement = (
        select(results.c.id, results.c.result_id, results.c.job, results.c.start)
        .join(jobs, jobs.c.id == results.c.job)
        .where(_PRESENT, jobs.c.ended < ended_before)
        .order_by(results.c.start, results.c.id)
        .limit(limit)
    )
    if behind is not None:
        start, number = behind
        later = (results.c.start > start) | ((results.c.start == start) & (results.c.id > number))
        statement = statement.where(results.c.start >= start, later)
    rows = connection.execute(statement).all()
    files = _objects_of(connection, [row.id for row in rows])
    return [Old(row.id, row.result_id, row.job, row.start, tuple(files[row.id])) for row in rows]


_PRESENT = text("results.deleted IS NULL AND NOT results.pinned")
"""As ``PRESENT``, where there is a job beside the result."""


def _objects_of(connection: Connection, numbers: list[int]) -> dict[int, list[Object]]:
    found: dict[int, list[Object]] = defaultdict(list)
    for row in connection.execute(select(artifacts).where(artifacts.c.result.in_(numbers))):
        found[row.result].append(Object(row.sha256, row.size))
    return found


def books(connection: Connection, of: Sequence[Old]) -> Books:
    """What else refers to the objects of these results, now."""
    of_jobs = sorted({old.job for old in of})
    here = (results.c.job.in_(of_jobs), results.c.deleted.is_(None))
    left = select(results.c.job, func.count().label("many")).where(*here).group_by(results.c.job)
    logs: dict[int, list[Object]] = defaultdict(list)
    kept = select(tasks.c.job, tasks.c.log_sha256, tasks.c.log_size)
    for row in connection.execute(kept.where(tasks.c.job.in_(of_jobs), tasks.c.log_sha256.is_not(None))):
        logs[row.job].append(Object(row.log_sha256, row.log_size))
    objects = {each.sha256 for old in of for each in old.objects}
    objects |= {log.sha256 for each in logs.values() for log in each}
    return Books(
        references(connection, objects),
        {row.job: row.many for row in connection.execute(left)},
        {job: tuple(each) for job, each in logs.items()},
    )


_AT_ONCE = 500
"""Names in one statement."""


def references(connection: Connection, objects: set[str]) -> dict[str, int]:
    """SHA-256 -> how many files of results and logs of tasks are that object; without those that none is."""
    found: dict[str, int] = {}
    names = sorted(objects)
    for at in range(0, len(names), _AT_ONCE):
        some = names[at : at + _AT_ONCE]
        every = union_all(
            select(artifacts.c.sha256.label("sha256")).where(artifacts.c.sha256.in_(some)),
            select(tasks.c.log_sha256.label("sha256")).where(tasks.c.log_sha256.in_(some)),
        ).subquery()
        counted = select(every.c.sha256, func.count().label("many")).group_by(every.c.sha256)
        found |= {row.sha256: row.many for row in connection.execute(counted)}
    return found


def remove(connection: Connection, numbers: list[int], now: int) -> set[str]:
    """Nothing is left of these results but that they were there; a job without any others goes likewise.

    A result that somebody has pinned meanwhile stays. Returns the objects that they referred to.
    """
    gone = update(results).where(results.c.id.in_(numbers), PRESENT)
    values = {"deleted": now, "failure_reason": None, "traceback": None}
    rows = connection.execute(gone.values(values).returning(results.c.id, results.c.job)).all()
    removed = [row.id for row in rows]
    objects = {each.sha256 for files in _objects_of(connection, removed).values() for each in files}
    connection.execute(delete(artifacts).where(artifacts.c.result.in_(removed)))
    connection.execute(delete(result_tags).where(result_tags.c.result.in_(removed)))
    _forget_reasons(connection, removed)
    return objects | _close_jobs(connection, sorted({row.job for row in rows}), now)


def _forget_reasons(connection: Connection, removed: list[int]) -> None:
    """Their texts, too, unless another result has the same one."""
    forgotten = delete(result_reasons).where(result_reasons.c.result.in_(removed))
    texts = sorted(set(connection.execute(forgotten.returning(result_reasons.c.reason)).scalars()))
    used = select(result_reasons.c.result).where(result_reasons.c.reason == reasons.c.id).exists()
    connection.execute(delete(reasons).where(reasons.c.id.in_(texts), ~used))


def _close_jobs(connection: Connection, of: list[int], now: int) -> set[str]:
    present = select(results.c.id).where(results.c.job == jobs.c.id, results.c.deleted.is_(None)).exists()
    gone = update(jobs).where(jobs.c.id.in_(of), ~present)
    numbers = list(
        connection.execute(gone.values(deleted=now, idempotency=None).returning(jobs.c.id)).scalars()
    )
    theirs = (tasks.c.job.in_(numbers), tasks.c.log_sha256.is_not(None))
    logs = set(connection.execute(select(tasks.c.log_sha256).where(*theirs)).scalars())
    connection.execute(update(tasks).where(*theirs).values(log_sha256=None, log_size=None))
    return logs


def tombstones(connection: Connection, before: int) -> int:
    """How many results were removed before that time."""
    statement = select(func.count()).select_from(results).where(DELETED, results.c.deleted < before)
    return int(connection.execute(statement).scalar_one())


def forget(connection: Connection, before: int, limit: int) -> int:
    """Forget some results that were removed before that time, and their jobs; how many results."""
    some = select(results.c.id).where(DELETED, results.c.deleted < before).limit(limit)
    numbers = list(connection.execute(some).scalars())
    gone = delete(results).where(results.c.id.in_(numbers)).returning(results.c.job)
    of = sorted(set(connection.execute(gone).scalars()))
    left = select(results.c.id).where(results.c.job == jobs.c.id).exists()
    connection.execute(delete(jobs).where(jobs.c.id.in_(of), jobs.c.deleted.is_not(None), ~left))
    return len(numbers)


def referenced(connection: Connection, behind: str, limit: int) -> list[Object]:
    """Objects that something refers to, by name, behind a name."""
    some = (
        select(name.label("sha256"), func.max(size).label("size"))
        .where(name > behind)
        .group_by(name)
        .order_by(name)
        .limit(limit)
        .subquery()
        for name, size in ((artifacts.c.sha256, artifacts.c.size), (tasks.c.log_sha256, tasks.c.log_size))
    )
    every = union_all(*(select(each) for each in some)).subquery()
    found = select(every.c.sha256, func.max(every.c.size)).group_by(every.c.sha256)
    rows = connection.execute(found.order_by(every.c.sha256).limit(limit))
    return [Object(name, size) for name, size in rows]


def pin(connection: Connection, result_id: str, *, pinned: bool) -> bool:
    """False when there is no such result, or it was removed."""
    present = update(results).where(results.c.result_id == result_id, results.c.deleted.is_(None))
    return connection.execute(present.values(pinned=pinned)).rowcount > 0
