"""Reads app files: YAML by a safe loader, within bounds, before anything is made of it."""

from collections.abc import Callable
from typing import Any

import yaml

from anyrig.core.builds import BadBuild, BuildConfig, Critical, read_config

LONGEST = 256 * 1024
"""Characters."""
_DEEPEST = 20
_MOST_ALIASES = 100
_MOST_VALUES = 10_000
"""With those that aliases stand for counted each time."""
_LONGEST_NUMBER = 100
"""Characters. It takes seconds to make a long one of base 60."""
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NO_SENSE = (ArithmeticError, AttributeError, LookupError, TypeError)
"""What the safe loader trips over when a value is not of the type that its tag names."""


class _Loader(_BASE):  # type: ignore[misc, unused-ignore]
    """What YAML's own safe types are, and the tag ``!critical``."""

    def flatten_mapping(self, node: Any) -> None:
        """Maps that merge (``<<``) maps that merge maps grow while they are made."""
        super().flatten_mapping(node)
        if len(node.value) > _MOST_VALUES:
            raise ValueError(f"a map has more than {_MOST_VALUES} keys")


def _critical(loader: Any, node: Any) -> Critical:
    return Critical(loader.construct_scalar(node))


def _short(made: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def number(loader: Any, node: Any) -> Any:
        if len(node.value) > _LONGEST_NUMBER:
            raise ValueError(f"a number has more than {_LONGEST_NUMBER} characters")
        return made(loader, node)

    return number


_Loader.add_constructor("!critical", _critical)
_Loader.add_constructor("tag:yaml.org,2002:int", _short(_BASE.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _short(_BASE.construct_yaml_float))
_Loader.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node)
)


def read_app_file(text: str) -> BuildConfig:
    """What an app file says.

    Raises:
        BadBuild, BadExtension: It makes no sense; the sentence is for people.
    """
    if len(text) > LONGEST:
        raise BadBuild(reason=f"Failed to create app: the config has more than {LONGEST} characters")
    try:
        _check_bounds(text)
        given = yaml.load(text, _Loader)  # noqa: S506 - it is a safe one
        _check_values(given)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadBuild(reason=f"Failed to create app: {error}") from None
    except _NO_SENSE:
        raise BadBuild(reason="Failed to create app: a value is not of the type that its tag names") from None
    return read_config(given)


def _check_bounds(text: str) -> None:
    """Before anything is built: how deep it goes, how much it has, and how often it refers to itself."""
    depth = aliases = values = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > _DEEPEST:
            raise ValueError(f"the config is more than {_DEEPEST} levels deep")
        if aliases > _MOST_ALIASES:
            raise ValueError(f"the config has more than {_MOST_ALIASES} aliases")
        if values > _MOST_VALUES:
            raise ValueError(f"the config has more than {_MOST_VALUES} values")


def _check_values(given: object) -> None:
    """How many there are, with all that aliases of aliases stand for, and whether texts are text."""
    left, values = [(given, 0)], 0
    while left:
        value, depth = left.pop()
        values += 1
        if values > _MOST_VALUES or depth > _DEEPEST:
            raise ValueError(f"the config has more than {_MOST_VALUES} values, or refers to itself")
        match value:
            case dict():
                left += [(each, depth + 1) for pair in value.items() for each in pair]
            case list() | tuple() | set():
                left += [(each, depth + 1) for each in value]
            case str():
                _check_text(value)
            case Critical(command):
                _check_text(command)


def _check_text(text: str) -> None:
    """Shells, environments and databases take no NUL, and nobody takes halves of characters."""
    text.encode()
    if "\0" in text:
        raise ValueError("a text has a NUL character")
