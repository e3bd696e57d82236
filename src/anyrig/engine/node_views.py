"""Nodes as people look at them."""

from dataclasses import dataclass

from anyrig.core.errors import NotFound
from anyrig.core.node_config import NodeConfig
from anyrig.core.records import Job, NodeRecord
from anyrig.core.reservations import Reservation, why_not
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.engine.pack_tests import project_named
from anyrig.engine.pages import NodeStanding, find_node, list_nodes
from anyrig.storage.sql import nodes as nodes_sql


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node, how it stands now, and what the default project's test pack says of it."""

    record: NodeRecord
    online: bool
    not_available: str | None
    """A sentence; None when anybody could reserve the node now."""
    job: Job | None
    """The one that runs on it, or else the last one that did."""
    config: NodeConfig
    reservation: Reservation | None = None


async def nodes(lab: Lab, who: Principal) -> list[NodeView]:
    """All nodes by name."""
    return await _views(lab, who, await list_nodes(lab, who))


async def node(lab: Lab, who: Principal, name: str) -> NodeView:
    """Raises NotFound."""
    [view] = await _views(lab, who, [await find_node(lab, who, name)])
    return view


async def require_node(lab: Lab, name: str) -> None:
    """Raises NotFound."""
    if await lab.db.read(lambda c: nodes_sql.agent_of(c, name)) is None:
        raise NotFound(what="node", name=name)


async def configs_of(lab: Lab, who: Principal, names: list[str]) -> dict[str, NodeConfig]:
    """What the default project's test pack says of each of the nodes; nothing when there is no project."""
    try:
        project = (await project_named(lab, who, None)).name
    except NotFound:
        return {name: {} for name in names}
    return await lab.node_configs.of(lab.packs, project, names)


async def _views(lab: Lab, who: Principal, stands: list[NodeStanding]) -> list[NodeView]:
    configs = await configs_of(lab, who, [stand.record.name for stand in stands])
    return [_view(stand, configs[stand.record.name]) for stand in stands]


def _view(stand: NodeStanding, config: NodeConfig) -> NodeView:
    now = stand.now
    return NodeView(stand.record, now.online, why_not(now), stand.job, config, stand.reservation)
