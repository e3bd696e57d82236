"""Tasks: every change is a compare-and-set by the table in ``core.jobs``.

Statements that run for every job are built once: to build one costs more than to run it.
"""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, text, update

from anyrig.core.jobs import Event, State, after
from anyrig.core.placement import Placement, Waiting
from anyrig.core.records import Task
from anyrig.storage.schema import HOLDING, QUEUED, AnyRow, jobs, outbox, tasks

_PLACEMENT_LOCK = 0x706C616365
"""Key of the PostgreSQL advisory lock: "place"."""
_ADD = insert(tasks).returning(tasks.c.id)
_WAITING = (
    select(tasks, jobs.c.kind, jobs.c.user)
    .join(jobs, jobs.c.id == tasks.c.job)
    .where(QUEUED)
    .order_by(tasks.c.priority, tasks.c.id)
)
_SOMEBODY_WAITS = select(tasks.c.id).where(QUEUED).limit(1)
_LOCKS_LIVE = select(tasks.c.lock_key).where(HOLDING, tasks.c.lock_key.is_not(None))
_PLACE = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"), tasks.c.state == State.QUEUED)
    .values(state=after(State.QUEUED, Event.PLACE), node=bindparam("on"), reason="", placed=bindparam("now"))
)
_DISPATCH = insert(outbox)
_FORGET_DISPATCH = delete(outbox).where(outbox.c.task == bindparam("number"))
_EXPLAIN = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"), tasks.c.reason != bindparam("why"))
    .values(reason=bindparam("why"))
)
_MOVE = update(tasks).where(
    tasks.c.id == bindparam("was_id"),
    tasks.c.state == bindparam("was_state"),
    tasks.c.attempt == bindparam("was_attempt"),
)
_BEGIN_CASE = update(tasks).where(tasks.c.id == bindparam("task"))
_TASKS = select(tasks, jobs.c.uid).join(jobs, jobs.c.id == tasks.c.job)
_BY_NUMBER = _TASKS.where(tasks.c.id == bindparam("number"))
_OF_JOB = _TASKS.where(tasks.c.job == bindparam("number")).order_by(tasks.c.position)
_LIVE = _TASKS.where(HOLDING).order_by(tasks.c.id)
_LIVE_ON = _LIVE.where(tasks.c.node == bindparam("on"))


def add(
    connection: Connection,
    job: int,
    position: int,
    *,
    node: str | None,
    labels: tuple[str, ...] = (),
    lock_key: str | None = None,
    priority: int = 1,
) -> int:
    """A new queued task; returns its number."""
    values = {
        "job": job,
        "position": position,
        "state": State.QUEUED,
        "wanted_node": node,
        "labels": sorted(labels),
        "lock_key": lock_key,
        "priority": priority,
        "reason": "",
        "attempt": 0,
    }
    return int(connection.execute(_ADD, values).scalar_one())


def one_at_a_time(connection: Connection) -> None:
    """Whoever places tasks does it alone until the end of the transaction (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PLACEMENT_LOCK})


def waiting(connection: Connection) -> list[Waiting]:
    """The queued tasks as placement sees them."""
    return [
        Waiting(
            task=row.id,
            kind=row.kind,
            user=row.user,
            node=row.wanted_node,
            labels=frozenset(row.labels),
            lock_key=row.lock_key,
            priority=row.priority,
        )
        for row in connection.execute(_WAITING)
    ]


def somebody_waits(connection: Connection) -> bool:
    return connection.execute(_SOMEBODY_WAITS).first() is not None


def locks_held(connection: Connection, key: str | None, besides: int) -> set[str]:
    """The key, if a live task or another queued one than ``besides`` has it."""
    if key is None:
        return set()
    same = select(tasks.c.id).where(tasks.c.lock_key == key, tasks.c.id != besides)
    taken = connection.execute(same.where(HOLDING)).first() or connection.execute(same.where(QUEUED)).first()
    return {key} if taken else set()


def locks_live(connection: Connection) -> set[str]:
    """The lock keys that live tasks have."""
    return set(connection.execute(_LOCKS_LIVE).scalars())


def decide(connection: Connection, decision: Placement, now: int) -> bool:
    """Write down what placement said; True when the task now holds a node's lease."""
    if decision.node is None:
        connection.execute(_EXPLAIN, {"task": decision.task, "why": decision.reason})
        return False
    connection.execute(_PLACE, {"task": decision.task, "on": decision.node, "now": now})
    connection.execute(_DISPATCH, {"task": decision.task, "node": decision.node, "generation": now})
    return True


def move(connection: Connection, task: Task, event: Event, **values: Any) -> bool:
    """Compare and set: False when the task is no longer as ``task`` says."""
    was = {"was_id": task.number, "was_state": task.state, "was_attempt": task.attempt}
    return connection.execute(_MOVE, was | values | {"state": after(task.state, event)}).rowcount > 0


def forget_dispatch(connection: Connection, task: int) -> None:
    connection.execute(_FORGET_DISPATCH, {"number": task})


def undelivered(connection: Connection, before: int) -> list[tuple[int, str, int]]:
    """Placed but not accepted since before that time: (task, node, generation)."""
    statement = select(outbox.c.task, outbox.c.node, outbox.c.generation).where(outbox.c.generation < before)
    return [(row.task, row.node, row.generation) for row in connection.execute(statement)]


def begin_case(connection: Connection, task: int, seq: int, test: str, at: int, offset: int) -> None:
    values = {"running_seq": seq, "running_test": test, "running_since": at, "running_offset": offset}
    connection.execute(_BEGIN_CASE, {"task": task, **values})


def by_number(connection: Connection, number: int) -> Task | None:
    return _one(connection, _BY_NUMBER, number)


def of_job(connection: Connection, job: int) -> list[Task]:
    return [_task(row) for row in connection.execute(_OF_JOB, {"number": job})]


def live_on(connection: Connection, node: str) -> list[Task]:
    """The task that holds the lease of this node, or none."""
    return [_task(row) for row in connection.execute(_LIVE_ON, {"on": node})]


def live(connection: Connection) -> list[Task]:
    """Every task that holds a lease."""
    return [_task(row) for row in connection.execute(_LIVE)]


def _one(connection: Connection, statement: Select[Any], number: int) -> Task | None:
    row = connection.execute(statement, {"number": number}).one_or_none()
    return _task(row) if row else None


def _task(row: AnyRow) -> Task:
    return Task(
        number=row.id,
        job=row.job,
        job_uid=row.uid,
        position=row.position,
        state=State(row.state),
        wanted_node=row.wanted_node,
        node=row.node,
        reason=row.reason,
        attempt=row.attempt,
        holder=row.holder,
        placed=row.placed,
        started=row.started,
        ended=row.ended,
        running_seq=row.running_seq,
        running_test=row.running_test,
        running_since=row.running_since,
        running_offset=row.running_offset,
        log_sha256=row.log_sha256,
        log_size=row.log_size,
    )
