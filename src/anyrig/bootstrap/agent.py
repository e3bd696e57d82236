"""An agent: who it is, and what it serves."""

import asyncio
from pathlib import Path

import msgspec

from anyrig import __version__
from anyrig.agent import enrolment
from anyrig.agent import main as agent
from anyrig.agent.machine import AgentSettings, Identity
from anyrig.bootstrap.private import write_private
from anyrig.core.errors import Unauthenticated
from anyrig.core.messages import NodeOffer
from anyrig.executors.registry import EXECUTORS

IDENTITY_FILE = "identity.json"


async def identity(folder: Path, server: str, name: str, token: str | None) -> Identity:
    """Who the agent is: kept in its folder, or made by the server for an operator's ``token``.

    Raises:
        Unauthenticated: There is no identity yet, and the token does not make one.
        Unavailable: There is no identity yet, and the server is away.
    """
    kept = await asyncio.to_thread(_kept_identity, folder)
    if kept is not None:
        return kept
    if token is None:
        raise Unauthenticated
    new = await enrolment.create(server, name, token)
    keep_identity(folder, new)
    return new


def _kept_identity(folder: Path) -> Identity | None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / IDENTITY_FILE
    return msgspec.json.decode(file.read_bytes(), type=Identity) if file.exists() else None


def keep_identity(folder: Path, who: Identity) -> None:
    write_private(folder / IDENTITY_FILE, msgspec.json.encode(who).decode())


async def serve_nodes(
    server: str,
    who: Identity,
    folder: Path,
    names: tuple[str, ...],
    labels: tuple[str, ...],
    one_port: bool,
    stop: asyncio.Event,
) -> None:
    """Run an agent until ``stop`` is set."""
    kinds = tuple(sorted(EXECUTORS))
    nodes = tuple(NodeOffer(name, kinds, labels) for name in names)
    await agent.run(AgentSettings(server, who, folder, nodes, __version__, one_port), stop)
