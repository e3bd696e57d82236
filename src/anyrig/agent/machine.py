"""What all nodes of one agent share."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anyrig.agent.identity import Identity
from anyrig.agent.uploads import Uploads
from anyrig.core.devices import DeviceConfig
from anyrig.core.messages import NodeOffer
from anyrig.executors.environments import Keep
from anyrig.packs.checkout import Checkouts


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What one agent is told at its start."""

    server: str
    """``http://host:port``."""
    identity: Identity
    folder: Path
    """Journals, checkouts, environments; one agent at a time uses it."""
    nodes: tuple[NodeOffer, ...]
    version: str
    one_port: bool = False
    """Reach the bus through the server's own port only, even where it could be reached directly."""
    devices: Mapping[str, DeviceConfig] = field(default_factory=dict)
    """By the names of the nodes at which they stand."""
    keep: Keep = field(default_factory=Keep)
    """How long environments of packs stay."""


@dataclass(frozen=True, slots=True)
class Machine:
    """This start of the agent, its folders and its ways to the server."""

    agent: str
    boot_id: str
    version: str
    local_ip: str
    folder: Path
    server: str
    """``http://host:port``."""
    token: str
    """The agent's own, for uploads and test packs."""
    uploads: Uploads
    checkouts: Checkouts

    @property
    def tasks(self) -> Path:
        return self.folder / "tasks"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"


def local_address(host: str) -> str:
    """The address of the interface that leads to ``host``; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
