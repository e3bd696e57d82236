"""Who may do what."""

from dataclasses import dataclass
from enum import IntEnum

from anyrig.core.errors import Forbidden


class Role(IntEnum):
    """Each role may do what the ones before it may."""

    VIEWER = 1
    """Reads everything."""
    OPERATOR = 2
    """Runs and stops tests, reserves nodes, pushes test packs."""
    ADMIN = 3
    """Manages projects, users, tokens and nodes."""

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request."""

    user: str
    role: Role
    token: str
    """The id of the token, the part before the dot; empty for the system itself."""
    projects: frozenset[str] | None = None
    """The only projects the token opens; None: all."""

    def require(self, role: Role, action: str, project: str | None = None) -> None:
        """Raises Forbidden unless the role is at least ``role`` and the project is open to the token."""
        if self.role < role or not self.sees(project):
            raise Forbidden(user=self.user, role=self.role.label, action=action)

    def sees(self, project: str | None) -> bool:
        return project is None or self.projects is None or project in self.projects
