"""Jobs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, tuple_, update

from anyrig.core.jobs import ENDED, State, job_state
from anyrig.core.records import Job
from anyrig.core.results import Counts, Verdict
from anyrig.storage.schema import AnyRow, jobs, tasks

_ADD = insert(jobs).returning(jobs.c.id)
_BY_NUMBER = select(jobs).where(jobs.c.id == bindparam("key"))
_BY_UID = select(jobs).where(jobs.c.uid == bindparam("key"))
_BY_IDEMPOTENCY = select(jobs).where(jobs.c.idempotency == bindparam("key"))
_OF_NODE = select(jobs).where(
    jobs.c.id
    == select(tasks.c.job)
    .where(tasks.c.node == bindparam("key"))
    .order_by(tasks.c.id.desc())
    .limit(1)
    .scalar_subquery(),
    jobs.c.deleted.is_(None),
)
_CHANGE = update(jobs).where(jobs.c.id == bindparam("number"))
_STATES = select(tasks.c.state).where(tasks.c.job == bindparam("number"))
_BEGIN = (
    update(jobs)
    .where(jobs.c.id == bindparam("number"))
    .values(state=bindparam("now_is"), started=func.coalesce(jobs.c.started, bindparam("now")))
)
_COUNT = {
    verdict: update(jobs).where(jobs.c.id == bindparam("number")).values({column: column + 1})
    for verdict, column in (
        (Verdict.PASS, jobs.c.passed),
        (Verdict.FAIL, jobs.c.failed),
        (Verdict.ERROR, jobs.c.errors),
    )
}


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is made of before it has a number."""

    project: str
    kind: str
    user: str
    category: str
    tags: dict[str, str | None]
    revision: str
    branch: str | None
    sha: str
    tests: tuple[str, ...]
    remote_control: str
    forever: bool
    shuffle: bool
    params: dict[str, Any]
    retries: int
    idempotency: str | None


def add(connection: Connection, new: NewJob, now: int) -> int:
    """The new job's number; give it its uid by ``name`` in the same transaction."""
    values = {field: getattr(new, field) for field in NewJob.__slots__}
    values |= {
        "tests": list(new.tests),
        "expected": len(new.tests),
        "uid": f"new-{now}",
        "state": State.QUEUED,
    }
    values |= {"created": now, "passed": 0, "failed": 0, "errors": 0}
    return int(connection.execute(_ADD, values).scalar_one())


def name(connection: Connection, number: int, uid: str, state: State) -> None:
    """Give a new job its uid, and the state that its task was put into."""
    connection.execute(_CHANGE, {"number": number, "uid": uid, "state": state})


def fresh(new: NewJob, number: int, uid: str, state: State, now: int) -> Job:
    """A job that was just added and named, as it would be read."""
    return Job(
        number=number,
        uid=uid,
        state=state,
        created=now,
        started=None,
        ended=None,
        counts=Counts(0, 0, 0, len(new.tests)),
        stopped_by=None,
        **{field: getattr(new, field) for field in NewJob.__slots__ if field != "idempotency"},
    )


def by_uid(connection: Connection, uid: str) -> Job | None:
    return _one(connection, _BY_UID, uid)


def by_number(connection: Connection, number: int) -> Job | None:
    return _one(connection, _BY_NUMBER, number)


def by_idempotency(connection: Connection, key: str) -> Job | None:
    return _one(connection, _BY_IDEMPOTENCY, key)


def of_node(connection: Connection, node: str) -> Job | None:
    """The job that runs on the node, or else the last that did."""
    return _one(connection, _OF_NODE, node)


def of_nodes(connection: Connection, nodes: list[str]) -> dict[str, Job]:
    """For each node its running, or else its last, job; nodes that never had one are absent."""
    return {node: job for node in nodes if (job := of_node(connection, node)) is not None}


def page(
    connection: Connection, limit: int, before: tuple[int, int] | None = None, *, live: bool = False
) -> list[Job]:
    """The newest jobs; ``before`` is (created, number) of the last one already seen."""
    statement = select(jobs).where(jobs.c.deleted.is_(None))
    statement = statement.order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(limit)
    if live:
        statement = statement.where(jobs.c.ended.is_(None))
    if before is not None:
        statement = statement.where(tuple_(jobs.c.created, jobs.c.id) < tuple_(*before))
    return [_job(row) for row in connection.execute(statement)]


def count(connection: Connection, number: int, verdict: Verdict) -> None:
    """One more result of this verdict."""
    connection.execute(_COUNT[verdict], {"number": number})


def settle(connection: Connection, number: int, now: int) -> State:
    """Read the job's state off its tasks, note it, and return it."""
    state = _state(connection, number)
    values: dict[str, Any] = {"number": number, "state": state}
    connection.execute(_CHANGE, values | {"ended": now} if state in ENDED else values)
    return state


def begin(connection: Connection, number: int, now: int) -> None:
    """A task of the job was accepted: settle it, and note when it began."""
    connection.execute(_BEGIN, {"number": number, "now_is": _state(connection, number), "now": now})


def _state(connection: Connection, number: int) -> State:
    return job_state([State(state) for state in connection.execute(_STATES, {"number": number}).scalars()])


def stopped_by(connection: Connection, number: int, user: str) -> None:
    connection.execute(update(jobs).where(jobs.c.id == number).values(stopped_by=user))


def count_live(connection: Connection) -> dict[str, int]:
    """How many jobs are in each state that is not an end."""
    statement = select(jobs.c.state, func.count()).where(jobs.c.ended.is_(None)).group_by(jobs.c.state)
    return dict(connection.execute(statement).tuples().all())


def ended_among(connection: Connection, uids: list[str]) -> list[str]:
    """Those of the jobs that are over."""
    statement = select(jobs.c.uid).where(jobs.c.uid.in_(uids), jobs.c.ended.is_not(None))
    return list(connection.execute(statement).scalars())


def _one(connection: Connection, statement: Select[Any], key: str | int) -> Job | None:
    row = connection.execute(statement, {"key": key}).one_or_none()
    return _job(row) if row else None


def _job(row: AnyRow) -> Job:
    return Job(
        number=row.id,
        uid=row.uid,
        project=row.project,
        kind=row.kind,
        state=State(row.state),
        user=row.user,
        category=row.category,
        tags=row.tags,
        revision=row.revision,
        branch=row.branch,
        sha=row.sha,
        tests=tuple(row.tests),
        remote_control=row.remote_control,
        forever=row.forever,
        shuffle=row.shuffle,
        params=row.params,
        retries=row.retries,
        created=row.created,
        started=row.started,
        ended=row.ended,
        counts=Counts(row.passed, row.failed, row.errors, row.expected),
        stopped_by=row.stopped_by,
        deleted=row.deleted,
    )
