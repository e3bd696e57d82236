"""What of the world around a server builds have to do with: by its settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from anyrig.core.builds import BuildConfig
from anyrig.core.extensions.robots_txt import Robots
from anyrig.core.extensions.shields_io import Badge

Networks = tuple[IPv4Network | IPv6Network, ...]


class Ending(StrEnum):
    """What a server can be told to do."""

    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class BuildsAround:
    """See the settings of the same names."""

    end: Callable[[Ending], None]
    """Once the requests at hand are answered."""
    check: Callable[[BuildConfig], None]
    """Refuses a new build whose config asks for what is not here. Raises BadBuild, BadExtension."""
    networks: Mapping[str, Networks] = field(default_factory=dict)
    redirect_hosts: frozenset[str] = frozenset()
    badge: Badge | None = None
    """Shown for every build, also for those that do not ask for one."""
    robots: Robots | None = None
