"""Keep nodes for one user: reserve, extend, end and interrupt, and look who holds what.

Whatever changes a reservation does so alone, as whoever places tasks does: no node is reserved while it is
given to a task. The transaction that frees a node gives it to whoever waits for it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from anyrig.core import reservations as rules
from anyrig.core.errors import NodesNotFree, NotFound
from anyrig.core.ids import NAME
from anyrig.core.nodes import Node
from anyrig.core.reservations import Reservation
from anyrig.core.users import Principal, Role
from anyrig.engine import place
from anyrig.engine.lab import Lab
from anyrig.engine.outgoing import Changed, Outgo, Reserved
from anyrig.storage import Connection
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import reservations as sql
from anyrig.storage.sql import tasks as tasks_sql

_RECENTLY = 24 * 3600 * 1_000_000
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to reserve."""

    nodes: tuple[str, ...]
    message: str = ""
    """What for, in Markdown."""
    seconds: int | None = None
    """None: until somebody ends it."""


async def reserve(lab: Lab, who: Principal, wanted: Wanted) -> list[Reservation]:
    """Reserve all the nodes, in this order, or none.

    Raises:
        Forbidden: The user only looks on.
        BadField: The request makes no sense.
        NotFound: One of the nodes is not known.
        NodesNotFree: Some are reserved (even by the user), offline, or busy: ``fields["nodes"]`` says why.
    """
    _require(who)
    rules.checked_nodes(wanted.nodes)
    rules.checked_message(wanted.message)
    if wanted.seconds is not None:
        rules.checked_seconds(wanted.seconds)
    now = lab.now()
    made, follows = await lab.db.write(lambda c: reserve_in(c, who.user, wanted, now))
    lab.outgoing.put(follows)
    return made


async def extend(lab: Lab, who: Principal, number: int, seconds: int) -> Reservation:
    """Let it expire so many seconds later. Raises NotFound, NotYourReservation, ReservationOver, BadField."""
    now = lab.now()
    return await _change(lab, who, number, lambda one: rules.extended(one, who.user, seconds, now), now)


async def end(lab: Lab, who: Principal, number: int) -> Reservation:
    """Its owner needs the node no more. Raises NotFound, NotYourReservation."""
    now = lab.now()
    return await _change(lab, who, number, lambda one: rules.ended(one, who.user, now), now)


async def interrupt(lab: Lab, who: Principal, number: int, reason: str) -> Reservation:
    """End a reservation of somebody else, who is told why. Raises NotFound, BadField."""
    now = lab.now()
    return await _change(lab, who, number, lambda one: rules.interrupted(one, who.user, reason, now), now)


async def require_use(lab: Lab, who: Principal, node: str) -> None:
    """Whoever is about to do something to the node may do so.

    Raises:
        Forbidden: The user only looks on.
        NotFound: There is no such node.
        NodeReserved: Somebody else has reserved it.
    """
    who.require(Role.OPERATOR, "use nodes")
    now = lab.now()

    def work(connection: Connection) -> list[Reservation]:
        if nodes_sql.agent_of(connection, node) is None:
            raise NotFound(what="node", name=node)
        return sql.held_on(connection, [node], now)

    for held in await lab.db.read(work):
        rules.require_use(held, who.user)


async def list_held(lab: Lab) -> list[Reservation]:
    """All that hold a node now, by the names of the nodes."""
    now = lab.now()
    return await lab.db.read(lambda c: sql.held(c, now))


async def list_all(lab: Lab, limit: int, before: int | None = None) -> tuple[list[Reservation], int | None]:
    """The newest, those that are over too, and the number ``before`` which the next page goes on, if any."""
    now = lab.now()
    found = await lab.db.read(lambda c: sql.page(c, limit + 1, before))
    kept = [rules.as_of(one, now) for one in found[:limit]]
    return kept, kept[-1].number if kept and len(found) > limit else None


async def find(lab: Lab, number: int) -> Reservation:
    """As it stands now. Raises NotFound."""
    now = lab.now()
    return await lab.db.read(lambda c: rules.as_of(_numbered(c, number), now))


async def interruptions(lab: Lab, who: Principal) -> list[Reservation]:
    """Those of the user that others have interrupted within a day: to be told, with the reasons."""
    since = lab.now() - _RECENTLY
    return await lab.db.read(lambda c: sql.interrupted_since(c, who.user, since))


def _require(who: Principal) -> None:
    who.require(Role.OPERATOR, "reserve nodes")


async def _change(
    lab: Lab, who: Principal, number: int, change: Callable[[Reservation], Reservation], now: int
) -> Reservation:
    _require(who)
    after, follows = await lab.db.write(lambda c: change_in(c, number, change, now))
    lab.outgoing.put(follows)
    return after


def reserve_in(
    connection: Connection, user: str, wanted: Wanted, now: int
) -> tuple[list[Reservation], list[Outgo]]:
    """The transaction of ``reserve``, and what to say after its commit."""
    tasks_sql.one_at_a_time(connection)
    follows = end_overdue_in(connection, now)
    nodes = [_node(connection, name, now) for name in wanted.nodes]
    if refused := rules.refusals(nodes):
        reasons = ", ".join(reason.removesuffix(".") for reason in refused.values())
        raise NodesNotFree(reasons=reasons, nodes=refused)
    expires = None if wanted.seconds is None else now + wanted.seconds * _SECOND
    made = []
    for name in wanted.nodes:
        nodes_sql.used(connection, name, user, now)
        made.append(sql.add(connection, name, user, wanted.message, now, expires))
    return made, [*follows, Reserved()]


def change_in(
    connection: Connection, number: int, change: Callable[[Reservation], Reservation], now: int
) -> tuple[Reservation, list[Outgo]]:
    """The transaction of whatever becomes of a reservation, and what to say after its commit."""
    tasks_sql.one_at_a_time(connection)
    one = _numbered(connection, number)
    after = change(one)
    return after, _written(connection, [(one, after)], now)


def end_overdue_in(connection: Connection, now: int) -> list[Outgo]:
    """Write down that those are over whose time has passed; returns what to say after the commit."""
    overdue = sql.overdue(connection, now)
    return _written(connection, [(one, rules.as_of(one, now)) for one in overdue], now)


def _written(
    connection: Connection, changes: Iterable[tuple[Reservation, Reservation]], now: int
) -> list[Outgo]:
    written = [after for before, after in changes if sql.change(connection, before, after)]
    if not written:
        return []
    dispatched = place.place_waiting(connection, now)
    placed = (tasks_sql.by_number(connection, one.task) for one in dispatched)
    return [Reserved(), *dispatched, *(Changed(task.job) for task in placed if task is not None)]


def _node(connection: Connection, name: str, now: int) -> Node:
    found = nodes_sql.for_placement(connection, now, name) if NAME.fullmatch(name) else []
    for node in found:
        return node
    raise NotFound(what="node", name=name)


def _numbered(connection: Connection, number: int) -> Reservation:
    found = sql.by_number(connection, number)
    if found is None:
        raise NotFound(what="reservation", name=number)
    return found
