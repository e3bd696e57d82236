"""Agents come: they offer their nodes and learn where the bus is."""

from anyrig.core.errors import Conflict
from anyrig.core.ids import checked_name
from anyrig.core.messages import Enrol
from anyrig.core.users import Principal, Role
from anyrig.engine import access
from anyrig.engine.lab import Lab
from anyrig.storage import Connection
from anyrig.storage.sql import nodes as nodes_sql


async def create(lab: Lab, who: Principal, name: str) -> str:
    """A new agent's secret, or a new secret of one that is known. Raises Forbidden, BadField."""
    who.require(Role.OPERATOR, "create agents")
    return await access.create_agent(lab.db, name, who.user, lab.now())


async def enrol(lab: Lab, agent: str, offered: Enrol, address: str | None) -> None:
    """The agent serves just these nodes from now on.

    Raises:
        BadField: A node's name is not allowed.
        Conflict: A node of that name is another agent's.
    """
    names = [checked_name("node", node.name) for node in offered.nodes]
    now = lab.now()
    await lab.db.write(lambda c: _enrol(c, agent, offered, address, now))
    for name in names:
        await lab.bus.ensure_node_consumer(name)


def _enrol(connection: Connection, agent: str, offered: Enrol, address: str | None, now: int) -> None:
    for node in offered.nodes:
        owner = nodes_sql.agent_of(connection, node.name)
        if owner not in {None, agent}:
            raise Conflict(reason=f"node {node.name} belongs to agent {owner}")
    nodes_sql.enrol(connection, agent, offered.nodes, now)
    nodes_sql.set_external_ip(connection, agent, address)
