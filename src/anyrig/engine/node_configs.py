"""What test packs say of the nodes, on their main branch, remembered until that branch has a new commit."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from anyrig.core.errors import AnyrigError
from anyrig.core.node_config import NodeConfig, config_path, parse_config
from anyrig.packs.hosting import Packs
from anyrig.packs.revisions import HEAD

FRESH = 5.0
"""Seconds for which the main branch is taken to be where it was."""


@dataclass(slots=True)
class _Known:
    """One project's."""

    sha: str | None = None
    until: float = 0.0
    configs: dict[str, NodeConfig] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class NodeConfigs:
    """A memory of ``config/test-farm/<node>.conf``."""

    def __init__(self, fresh: float = FRESH) -> None:
        self._fresh = fresh
        self._projects: dict[str, _Known] = {}

    async def of(self, packs: Packs, project: str, nodes: Sequence[str]) -> dict[str, NodeConfig]:
        """The configuration of each of the nodes; an empty one when there is none, or the pack is away."""
        known = self._projects.setdefault(project, _Known())
        if known.until < time.monotonic() and not (known.lock.locked() and known.sha):
            async with known.lock:
                await self._look(known, packs, project)
        if (sha := known.sha) is None:
            return {node: {} for node in nodes}
        configs = known.configs
        for node in nodes:
            if node not in configs:
                configs[node] = await _read(packs, project, sha, node)
        return {node: configs[node] for node in nodes}

    async def _look(self, known: _Known, packs: Packs, project: str) -> None:
        """Where is the main branch now? When nobody can say, it stays where it was."""
        if known.until >= time.monotonic():
            return
        with suppress(AnyrigError):
            found = await packs.resolve(project, HEAD)
            if found.sha != known.sha:
                known.sha, known.configs = found.sha, {}
        known.until = time.monotonic() + self._fresh


async def _read(packs: Packs, project: str, sha: str, node: str) -> NodeConfig:
    try:
        data = await packs.read_file(project, sha, config_path(node))
    except AnyrigError:
        return {}
    return parse_config(data or b"")
