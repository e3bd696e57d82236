"""Reservations. Those whose time has passed count as over, even before somebody has written that down."""

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from anyrig.core.reservations import Reservation, State
from anyrig.storage.schema import AnyRow, reservations

_HELD = reservations.c.ended.is_(None)
STILL_HELD = and_(
    _HELD, or_(reservations.c.expires.is_(None), reservations.c.expires > bindparam("reserved_at"))
)
"""For a join with the nodes, too: takes the time as ``reserved_at``."""
_ADD = insert(reservations).returning(reservations.c.id)
_BY_NUMBER = select(reservations).where(reservations.c.id == bindparam("number"))
_HELD_NOW = select(reservations).where(STILL_HELD).order_by(reservations.c.node)
_HELD_ON = _HELD_NOW.where(reservations.c.node.in_(bindparam("names", expanding=True)))
_OVERDUE = select(reservations).where(_HELD, reservations.c.expires <= bindparam("now"))
_NEXT_END = select(func.min(reservations.c.expires)).where(_HELD)
_CHANGE = update(reservations).where(reservations.c.id == bindparam("number"), _HELD)
_LARGEST = 2**63 - 1
"""No number in the database is larger."""


def add(
    connection: Connection, node: str, user: str, message: str, start: int, expires: int | None
) -> Reservation:
    """A new one; the index refuses a second one that is held for the same node."""
    values = {"node": node, "user": user, "message": message, "start": start, "expires": expires}
    number = connection.execute(_ADD, values | {"state": State.HELD}).scalar_one()
    return Reservation(number, node, user, message, start, expires)


def change(connection: Connection, was: Reservation, now_is: Reservation) -> bool:
    """Write down what became of one that was held; True when there was anything to write."""
    if was == now_is:
        return False
    fields = ("expires", "state", "ended", "ended_by", "reason")
    values = {field: getattr(now_is, field) for field in fields}
    return connection.execute(_CHANGE, {"number": was.number, **values}).rowcount > 0


def by_number(connection: Connection, number: int) -> Reservation | None:
    if number > _LARGEST:
        return None
    row = connection.execute(_BY_NUMBER, {"number": number}).one_or_none()
    return _reservation(row) if row else None


def held(connection: Connection, now: int) -> list[Reservation]:
    """All that hold a node, by the names of the nodes."""
    return [_reservation(row) for row in connection.execute(_HELD_NOW, {"reserved_at": now})]


def held_on(connection: Connection, nodes: list[str], now: int) -> list[Reservation]:
    """Those that hold one of these nodes."""
    return [_reservation(row) for row in connection.execute(_HELD_ON, {"names": nodes, "reserved_at": now})]


def overdue(connection: Connection, now: int) -> list[Reservation]:
    """Those whose time has passed, and nobody has written it down."""
    return [_reservation(row) for row in connection.execute(_OVERDUE, {"now": now})]


def next_end(connection: Connection) -> int | None:
    """When the next one expires, or should have; None when none will."""
    return connection.execute(_NEXT_END).scalar()


def page(connection: Connection, limit: int, before: int | None = None) -> list[Reservation]:
    """All there ever were, the newest first; ``before`` is the number of the last one already seen."""
    statement = select(reservations).order_by(reservations.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(reservations.c.id < before)
    return [_reservation(row) for row in connection.execute(statement)]


def interrupted_since(connection: Connection, user: str, since: int) -> list[Reservation]:
    """Those of the user that others interrupted after that time, the last first."""
    statement = (
        select(reservations)
        .where(reservations.c.user == user, reservations.c.state == State.INTERRUPTED)
        .where(reservations.c.ended > since, reservations.c.ended_by != user)
        .order_by(reservations.c.id.desc())
    )
    return [_reservation(row) for row in connection.execute(statement)]


def _reservation(row: AnyRow) -> Reservation:
    return Reservation(
        number=row.id,
        node=row.node,
        user=row.user,
        message=row.message,
        start=row.start,
        expires=row.expires,
        state=State(row.state),
        ended=row.ended,
        ended_by=row.ended_by,
        reason=row.reason,
    )
