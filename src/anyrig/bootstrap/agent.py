"""An agent: who it is, and what it serves."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from anyrig import __version__
from anyrig.agent import enrolment
from anyrig.agent import main as agent
from anyrig.agent.identity import Identity
from anyrig.agent.machine import AgentSettings
from anyrig.bootstrap.nodes import Served, from_file, from_flags, served
from anyrig.bootstrap.private import keep_identity, kept_identity
from anyrig.core.errors import Unauthenticated
from anyrig.executors.environments import Keep
from anyrig.executors.registry import EXECUTORS


async def identity(folder: Path, server: str, name: str, token: str | None) -> Identity:
    """Who the agent is: kept in its folder, or made by the server for an operator's ``token``.

    Raises:
        Unauthenticated: There is no identity yet, and the token does not make one.
        Unavailable: There is no identity yet, and the server is away.
    """
    kept = await asyncio.to_thread(kept_identity, folder)
    if kept is not None:
        return kept
    if token is None:
        raise Unauthenticated
    new = await enrolment.create(server, name, token)
    keep_identity(folder, new)
    return new


async def serve_nodes(
    server: str,
    who: Identity,
    folder: Path,
    nodes: Served,
    one_port: bool,
    keep: Keep,
    stop: asyncio.Event,
) -> None:
    """Run an agent until ``stop`` is set."""
    settings = AgentSettings(server, who, folder, nodes.nodes, __version__, one_port, nodes.devices, keep)
    await agent.run(settings, stop)


def all_served(plain: Sequence[str], labels: Sequence[str], config: Path, devices: Sequence[str]) -> Served:
    """What the flags and the file ``config`` say an agent serves. Raises Invalid."""
    described = [*from_file(config), *from_flags(devices)]
    return served(plain, described, labels, tuple(sorted(EXECUTORS)))
