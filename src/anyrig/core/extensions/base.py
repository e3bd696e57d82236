"""What every extension of a build has: names, options, and where it acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from anyrig.core.errors import Invalid


class BadExtension(Invalid):
    """{reason}"""  # noqa: D415 - the reason is the sentence that clients print

    code = "bad_extension"


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that a test asks for, checked."""

    key: str
    """What its author calls it."""
    module: str
    """The first of the module's NAMES."""
    options: Any
    """A frozen value of the extension's own module."""


class ExtensionModule(Protocol):
    """One module an extension, listed in the registry of this package."""

    @property
    def NAMES(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """As ``module:`` has it, the present name first."""

    def read(self, given: Mapping[str, Any], listen_point: str, /) -> Any:
        """The options, checked. Raises BadExtension, with a sentence for people."""
