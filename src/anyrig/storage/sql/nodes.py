"""Nodes: who they are, and how they stand for placement."""

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from anyrig.core.messages import DeviceOffer, NodeOffer, Presence
from anyrig.core.nodes import OFFLINE_AFTER, Node, is_online
from anyrig.core.records import NodeRecord
from anyrig.storage.schema import HOLDING, AnyRow, jobs, nodes, reservations, tasks
from anyrig.storage.sql.reservations import STILL_HELD

_USED = update(nodes).where(nodes.c.name == bindparam("node"))
_SEEN = update(nodes).where(nodes.c.name == bindparam("node"))
_AGENT_OF = select(nodes.c.agent).where(nodes.c.name == bindparam("node"))
_FOR_PLACEMENT = (
    select(
        *(nodes.c.name, nodes.c.seen, nodes.c.kinds, nodes.c.labels, nodes.c.trouble),
        jobs.c.uid.label("busy"),
        reservations.c.user.label("reserved"),
    )
    .outerjoin(tasks, and_(tasks.c.node == nodes.c.name, HOLDING))
    .outerjoin(jobs, jobs.c.id == tasks.c.job)
    .outerjoin(reservations, and_(reservations.c.node == nodes.c.name, STILL_HELD))
    .order_by(func.coalesce(nodes.c.last_used, 0), nodes.c.name)
)
_ONE_FOR_PLACEMENT = _FOR_PLACEMENT.where(nodes.c.name == bindparam("node"))


def enrol(connection: Connection, agent: str, offers: Iterable[NodeOffer], now: int) -> None:
    """The agent serves just these nodes from now on; a node it took over keeps its history."""
    names = []
    for offer in offers:
        values = {
            "agent": agent,
            "kinds": sorted(offer.kinds),
            "labels": sorted(offer.labels),
            "device": offer.device and asdict(offer.device),
        }
        changed = connection.execute(update(nodes).where(nodes.c.name == offer.name).values(values))
        if not changed.rowcount:
            connection.execute(insert(nodes).values(name=offer.name, created=now, **values))
        names.append(offer.name)
    connection.execute(delete(nodes).where(nodes.c.agent == agent, nodes.c.name.not_in(names)))


def agent_of(connection: Connection, node: str) -> str | None:
    return connection.execute(_AGENT_OF, {"node": node}).scalar()


def of_agent(connection: Connection, agent: str) -> list[str]:
    return list(
        connection.execute(
            select(nodes.c.name).where(nodes.c.agent == agent).order_by(nodes.c.name)
        ).scalars()
    )


def seen(connection: Connection, node: str, said: Presence, now: int) -> None:
    """The node's agent has given a sign of life."""
    values = {
        "seen": now,
        "boot_id": said.boot_id,
        "version": said.version,
        "local_ip": said.local_ip,
        "trouble": said.trouble,
    }
    connection.execute(_SEEN, {"node": node, **values})


def gone(connection: Connection, node: str, now: int) -> None:
    """The node's agent said goodbye: the node is offline at once."""
    long_ago = now - OFFLINE_AFTER
    connection.execute(
        update(nodes).where(nodes.c.name == node, nodes.c.seen > long_ago).values(seen=long_ago)
    )


def set_external_ip(connection: Connection, agent: str, address: str | None) -> None:
    connection.execute(update(nodes).where(nodes.c.agent == agent).values(external_ip=address))


def used(connection: Connection, node: str, user: str, now: int) -> None:
    connection.execute(_USED, {"node": node, "last_used_by": user, "last_used": now})


def every(connection: Connection) -> list[NodeRecord]:
    return [_record(row) for row in connection.execute(select(nodes).order_by(nodes.c.name))]


def by_name(connection: Connection, name: str) -> NodeRecord | None:
    row = connection.execute(select(nodes).where(nodes.c.name == name)).one_or_none()
    return _record(row) if row else None


def for_placement(connection: Connection, now: int, only: str | None = None) -> list[Node]:
    """The nodes as placement sees them, or just one of them; those least lately used come first."""
    values = {"reserved_at": now}
    rows = (
        connection.execute(_ONE_FOR_PLACEMENT, values | {"node": only})
        if only
        else connection.execute(_FOR_PLACEMENT, values)
    )
    return [
        Node(
            name=row.name,
            online=is_online(row.seen, now),
            kinds=frozenset(row.kinds),
            labels=frozenset(row.labels),
            busy_with=row.busy,
            reserved_by=row.reserved,
            trouble=row.trouble,
        )
        for row in rows
    ]


def _record(row: AnyRow) -> NodeRecord:
    return NodeRecord(
        name=row.name,
        agent=row.agent,
        kinds=frozenset(row.kinds),
        labels=frozenset(row.labels),
        seen=row.seen,
        boot_id=row.boot_id,
        version=row.version,
        local_ip=row.local_ip,
        external_ip=row.external_ip,
        trouble=row.trouble,
        device=row.device and DeviceOffer(**row.device),
        last_used_by=row.last_used_by,
        last_used=row.last_used,
    )
