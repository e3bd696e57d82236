"""Who an agent is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an agent is to the server."""

    name: str
    secret: str = field(repr=False)

    @property
    def printed(self) -> str:
        return f"{self.name}.{self.secret}"
