"""Reads single options of extensions; what makes no sense is refused with a sentence."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from anyrig.core.build_records import Level
from anyrig.core.extensions.base import BadExtension

Options = Mapping[str, Any]


def text(given: Options, name: str, default: str | None = None) -> str:
    """Raises BadExtension: it is no text, or missing without a default."""
    value = given.get(name, default)
    if not isinstance(value, str) or not value or "\0" in value:
        raise BadExtension(reason=f"{name} is {'missing' if value is None else 'not a text'}")
    return value


def template(given: Options, name: str, default: str, *fields: str) -> str:
    """A text in which only these fields may stand in braces, as they are: not padded, not looked into."""
    found = text(given, name, default)
    try:
        parts = list(Formatter().parse(found))
    except ValueError as error:
        raise BadExtension(reason=f"{name} cannot be used: {error}") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in fields or spec or conversion):
            known = ", ".join(f"{{{each}}}" for each in fields)
            raise BadExtension(reason=f"{name} may have {known} and nothing else in braces")
    return found


def text_or_none(given: Options, name: str) -> str | None:
    return None if given.get(name) is None else text(given, name)


def texts(given: Options, name: str) -> tuple[str, ...]:
    """A list of texts, or a single one; missing is none."""
    value = given.get(name)
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
        raise BadExtension(reason=f"{name} is not a list of texts")
    return tuple(values)


def flag(given: Options, name: str, *, default: bool = False) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise BadExtension(reason=f"{name} is neither true nor false")
    return value


def number(given: Options, name: str, default: int, most: int = 2**53) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadExtension(reason=f"{name} is not a whole number from 0 to {most}")
    return value


def level(given: Options, name: str, default: Level) -> Level:
    """A level by its name or number."""
    value = given.get(name, default)
    try:
        return Level[value.upper()] if isinstance(value, str) else Level(value)
    except (KeyError, ValueError):
        names = ", ".join(each.name for each in Level)
        raise BadExtension(reason=f"{name} is not one of {names}") from None
