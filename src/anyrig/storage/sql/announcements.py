"""Records that extensions are still to tell of: rows that stay until it is done.

Within one extension of one build the oldest comes first, and the others wait for it. Whoever takes a row
moves its ``due`` forward by a lease, and holds it for that long: it is due again only if nobody came back.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from anyrig.core.build_records import Channel, Level, Record
from anyrig.storage.schema import AnyRow, jobs
from anyrig.storage.schema_builds import announcements, build_records

_ROW = announcements.c
_HEADS = select(func.min(_ROW.id).label("id")).group_by(_ROW.build, _ROW.extension).subquery()
_OWED = (
    select(
        *(_ROW.id, _ROW.build, _ROW.extension, _ROW.due, _ROW.tries),
        *(build_records.c.at, build_records.c.channel, build_records.c.level, build_records.c.message),
        jobs.c.uid,
    )
    .join(build_records, build_records.c.id == _ROW.record)
    .outerjoin(jobs, jobs.c.id == build_records.c.job)
    .order_by(_ROW.id)
    .limit(bindparam("most"))
)
_DUE = _OWED.join(_HEADS, _HEADS.c.id == _ROW.id).where(_ROW.due <= bindparam("now"))
_NEXT = _OWED.where(_ROW.build == bindparam("of"), _ROW.extension == bindparam("by"))
_NEXT_DUE = select(func.min(_ROW.due)).join(_HEADS, _HEADS.c.id == _ROW.id)
_THIS = (_ROW.id == bindparam("number"), _ROW.tries == bindparam("in_try"))
_TAKE = update(announcements).where(*_THIS, _ROW.due == bindparam("was_due"))
_LATER = update(announcements).where(*_THIS).values(due=bindparam("until"))
_DONE = delete(announcements).where(*_THIS)


@dataclass(frozen=True, slots=True)
class Owed:
    """A record that an extension is to tell of."""

    id: int
    build: int
    extension: str
    """Its key."""
    record: Record
    job: str | None
    """The uid of the job that it is about; None: it is about none, or the job was removed."""
    due: int
    tries: int
    """How often somebody took it, which also tells apart who holds it."""


def due(connection: Connection, now: int, limit: int) -> list[Owed]:
    """Of each extension of each build the oldest, if it is due: at most ``limit``, the oldest first."""
    return _all(connection, _DUE, now=now, most=limit)


def next_of(connection: Connection, build: int, extension: str) -> Owed | None:
    """The oldest of one extension of one build, whenever it is due."""
    found = _all(connection, _NEXT, of=build, by=extension, most=1)
    return found[0] if found else None


def next_due(connection: Connection) -> int | None:
    """When ``due`` will find something; None: nothing is left to be told."""
    return connection.execute(_NEXT_DUE).scalar()


def take(connection: Connection, owed: Owed, until: int) -> Owed | None:
    """The row as whoever takes it holds it, until that time; None: somebody else was faster."""
    held = replace(owed, due=until, tries=owed.tries + 1)
    given = {"number": owed.id, "in_try": owed.tries, "was_due": owed.due}
    changed = connection.execute(_TAKE.values(due=held.due, tries=held.tries), given)
    return held if changed.rowcount else None


def later(connection: Connection, held: Owed, due: int) -> bool:
    """It is due again at that time; False: somebody else has taken it meanwhile, and decides."""
    given = {"number": held.id, "in_try": held.tries, "until": due}
    return connection.execute(_LATER, given).rowcount > 0


def done(connection: Connection, held: Owed) -> bool:
    """Nobody has to tell of it any more; False: somebody else has taken it meanwhile, and decides."""
    return connection.execute(_DONE, {"number": held.id, "in_try": held.tries}).rowcount > 0


def _all(connection: Connection, statement: Select[AnyRow], **given: object) -> list[Owed]:
    return [_owed(row) for row in connection.execute(statement, given)]


def _owed(row: AnyRow) -> Owed:
    return Owed(
        id=row.id,
        build=row.build,
        extension=row.extension,
        record=Record(row.at, Channel(row.channel), Level(row.level), row.message),
        job=row.uid,
        due=row.due,
        tries=row.tries,
    )
