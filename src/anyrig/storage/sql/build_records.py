"""The log of builds: appended to, and read page by page, the newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.messages import Noted
from anyrig.storage.schema import AnyRow
from anyrig.storage.schema_builds import announcements, build_records, builds
from anyrig.storage.sql.builds import BuildJob, Listener

_ADD = insert(build_records)
_ADD_ONE = insert(build_records).returning(build_records.c.id)
_LAST = select(func.max(build_records.c.number)).where(
    build_records.c.task == bindparam("of"), build_records.c.attempt == bindparam("in_attempt")
)
_ALL = -1
_CHANNELS = {channel.value: channel for channel in Channel}
_LEVELS = {level.value: level for level in Level}
"""Ten times as fast as to call them."""
_MOST = 2**62
_COLUMNS = (build_records.c.at, build_records.c.channel, build_records.c.level, build_records.c.message)


def _paged(statement: Select[Any]) -> Select[Any]:
    return (
        statement.where(build_records.c.level >= bindparam("least"))
        .order_by(build_records.c.at.desc(), build_records.c.id.desc())
        .offset(bindparam("first"))
        .limit(bindparam("most"))
    )


_OF = build_records.c.channel.in_(bindparam("channels", expanding=True))
_PAGE = _paged(select(*_COLUMNS).where(build_records.c.history == bindparam("of")))
_PAGE_OF = _PAGE.where(_OF)
_HERE = (builds.c.listen_point == bindparam("point"), builds.c.removed.is_(None))
_PAGE_AT = _paged(
    # As values by themselves, not joined: so PostgreSQL knows that an index has the records in order.
    select(*_COLUMNS, select(builds.c.project).where(*_HERE).scalar_subquery().label("project")).where(
        build_records.c.history == select(builds.c.history).where(*_HERE).scalar_subquery()
    )
)
_PAGE_AT_OF = _PAGE_AT.where(_OF)


@dataclass(frozen=True, slots=True)
class Page:
    """Which records, of all that there are."""

    channels: tuple[Channel, ...] | None
    """None: all."""
    level: int
    """Of this and higher ones."""
    offset: int
    limit: int
    """-1: all."""


def add(
    connection: Connection,
    build: int,
    history: int,
    listeners: Iterable[Listener],
    record: Record,
    job: int | None = None,
) -> None:
    """A record that the server itself has made, about a job of the build if it is about one."""
    _add(connection, build, history, tuple(listeners), [_Row(record, job)])


def ingest(connection: Connection, run: BuildJob, task: int, attempt: int, said: Sequence[Noted]) -> None:
    """Records of a node about one attempt at a task: each number once, however often it is said."""
    known = connection.execute(_LAST, {"of": task, "in_attempt": attempt}).scalar()
    rows = [
        _Row(Record(each.at, each.channel, each.level, each.message), run.job, task, attempt, each.number)
        for each in said
        if known is None or each.number > known
    ]
    _add(connection, run.build, run.history, run.listeners, rows)


class _Row(NamedTuple):
    record: Record
    job: int | None
    task: int | None = None
    attempt: int | None = None
    number: int | None = None


def _add(
    connection: Connection, build: int, history: int, listeners: tuple[Listener, ...], rows: Sequence[_Row]
) -> None:
    if not rows:
        return
    values = [
        {
            "history": history,
            "job": row.job,
            "task": row.task,
            "attempt": row.attempt,
            "number": row.number,
            "at": row.record.at,
            "channel": row.record.channel,
            "level": row.record.level,
            "message": row.record.message,
        }
        for row in rows
    ]
    if not listeners:
        connection.execute(_ADD, values)
        return
    for given, row in zip(values, rows, strict=True):
        number = int(connection.execute(_ADD_ONE, given).scalar_one())
        _announce(connection, build, number, listeners, row.record)


def _announce(
    connection: Connection, build: int, number: int, listeners: tuple[Listener, ...], record: Record
) -> None:
    """One row for each extension that wants to tell of it."""
    wanted = [
        {"build": build, "extension": each.extension, "record": number, "due": 0, "tries": 0}
        for each in listeners
        if record.level >= each.level and (each.everything or record.channel is Channel.RUN)
    ]
    if wanted:
        connection.execute(insert(announcements), wanted)


def page(connection: Connection, history: int, wanted: Page) -> list[Record]:
    """The newest first; what was said later comes before what was said at the same moment."""
    statement = _PAGE if wanted.channels is None else _PAGE_OF
    return [_record(row) for row in connection.execute(statement, {"of": history} | _bounds(wanted))]


def page_at(connection: Connection, listen_point: str, wanted: Page) -> tuple[str, list[Record]] | None:
    """As ``page``, for the build that listens there, and its project; None: there is none, or no record."""
    statement = _PAGE_AT if wanted.channels is None else _PAGE_AT_OF
    rows = connection.execute(statement, {"point": listen_point} | _bounds(wanted)).all()
    return (rows[0][4], [_record(row) for row in rows]) if rows else None


def _bounds(wanted: Page) -> dict[str, Any]:
    most = _MOST if wanted.limit == _ALL else wanted.limit
    bounds = {"least": wanted.level, "first": wanted.offset, "most": most}
    return bounds if wanted.channels is None else bounds | {"channels": wanted.channels}


def _record(row: AnyRow) -> Record:
    return Record(row[0], _CHANNELS[row[1]], _LEVELS[row[2]], row[3])


def move(connection: Connection, history: int, to: int) -> None:
    """What was said of one history belongs to another one."""
    if history != to:
        here = update(build_records).where(build_records.c.history == history)
        connection.execute(here.values(history=to))


def remove_before(connection: Connection, before: int, limit: int) -> int:
    """Remove some that were said before that time; how many."""
    some = select(build_records.c.id).where(build_records.c.at < before).limit(limit)
    gone = delete(build_records).where(build_records.c.id.in_(some.scalar_subquery()))
    return connection.execute(gone).rowcount
