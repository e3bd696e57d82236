"""What every use case needs, wired once at the start."""

from collections.abc import Callable
from dataclasses import dataclass, field

from anyrig.bus.client import Bus
from anyrig.core.retention import Rules
from anyrig.engine.access import Access
from anyrig.engine.clock import utc_now
from anyrig.engine.known_builds import KnownBuilds
from anyrig.engine.node_configs import NodeConfigs
from anyrig.engine.outgoing import Outgoing
from anyrig.engine.passwords import Passwords
from anyrig.engine.project_secrets import ProjectSecrets
from anyrig.engine.seals import Seal
from anyrig.engine.waiting import Waiters
from anyrig.packs.hosting import Packs
from anyrig.storage.artifacts import Objects
from anyrig.storage.database import Database


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in microseconds."""

    lease: int = 120_000_000
    """A node that was silent for this long loses its task."""
    accept_within: int = 60_000_000
    """A node that did not accept a task in this time gives it back, or the task is lost."""
    resend_after: int = 5_000_000
    """A dispatch that was not accepted is sent again after this time."""


@dataclass(slots=True)
class Hearing:
    """Since when this server hears its nodes: what they said before that, nobody can hold against them."""

    since: int = 0


@dataclass(frozen=True, slots=True)
class Lab:
    """The server's parts, for the use cases."""

    db: Database
    bus: Bus
    objects: Objects
    packs: Packs
    access: Access
    passwords: Passwords
    series: int
    """Names this installation in its jobs' uids."""
    seal: Seal
    secrets: ProjectSecrets
    retention: Rules = field(default_factory=Rules)
    waiters: Waiters = field(default_factory=Waiters)
    outgoing: Outgoing = field(default_factory=Outgoing)
    node_configs: NodeConfigs = field(default_factory=NodeConfigs)
    builds: KnownBuilds = field(default_factory=KnownBuilds)
    projects: list[str] = field(default_factory=list)
    """The names of those that are known so far, the oldest first."""
    hearing: Hearing = field(default_factory=Hearing)
    limits: Limits = Limits()
    now: Callable[[], int] = utc_now
