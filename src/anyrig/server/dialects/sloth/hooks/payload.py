"""Looks into payloads, whose shape is whatever somebody sent."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from anyrig.server.dialects.sloth.hooks.base import BAD_SHAPE, Refused

_LONGEST_TEXT = 10_000
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_INDEX = re.compile(r"[0-9]{1,6}")


def is_text(value: object) -> TypeGuard[str]:
    """Whether it can be kept, shown and exported: without NUL and halves of characters, and not endless."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and not _NOT_TEXT.search(value)


def at(payload: object, path: str) -> object:
    """What is at the dotted path; None if there is nothing. A number in it counts a list's items from 0.

    Raises:
        Refused: What should hold more is a text or a number.
    """
    found = payload
    for key in path.split("."):
        match found:
            case None:
                return None
            case Mapping():
                found = found.get(key)
            case list() if _INDEX.fullmatch(key):
                found = found[int(key)] if int(key) < len(found) else None
            case _:
                raise Refused(BAD_SHAPE, f"The payload has another shape: there can be no {path} in it.")
    return found


def text(payload: object, *paths: str) -> str | None:
    """The text at the first of the paths where there is something; None if there is nothing at all.

    Raises:
        Refused: What is there is no text.
    """
    for path in paths:
        match at(payload, path):
            case None | "":
                continue
            case found if is_text(found):
                return found
            case _:
                raise Refused(BAD_SHAPE, f"The payload has another shape: {path} is not a proper text.")
    return None


def required(payload: object, *paths: str) -> str:
    """As ``text``. Raises Refused if there is nothing at all, too."""
    found = text(payload, *paths)
    if found is None:
        raise Refused(BAD_SHAPE, f"The payload has another shape: {' and '.join(paths)} is missing.")
    return found


def items(payload: object, path: str) -> Sequence[object]:
    """A list. Raises Refused if there is none."""
    found = at(payload, path)
    if not isinstance(found, list):
        raise Refused(BAD_SHAPE, f"The payload has another shape: {path} is not a list.")
    return found
