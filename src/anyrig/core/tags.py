"""Tags and categories: what a run is marked with, for people to find it again.

The rules are those of the stb-tester REST API v2 (``POST /run_tests``) and its manual ("Tags"), less what
its own clients break: they send categories with ``/``, such as ``refs/snapshots/<user>`` and ``folder/job``.
"""

import json
import re
import unicodedata
from collections.abc import Mapping

from anyrig.core.errors import BadField

MAX_LENGTH = 499
"""Characters in a tag's name, in its value, or in a category."""
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, lone surrogates (UTF-8 cannot say them), and separators of lines and paragraphs."""
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_SHOWN = 60


def checked_tags(tags: object) -> dict[str, str | None]:
    """The tags of a run by name, from decoded JSON; None is a tag without a value.

    Numbers and booleans become text, written as in JSON.

    Raises:
        BadField: It is not a mapping, or a name or a value is not allowed.
    """
    if not isinstance(tags, Mapping):
        raise BadField(field="tags", reason="it is not an object of names and values")
    return {_checked_name(name): _checked_value(name, value) for name, value in tags.items()}


def checked_category(category: object) -> str:
    """The category of a run.

    Raises:
        BadField: It is not a text, or not an allowed one.
    """
    if not isinstance(category, str):
        raise BadField(field="category", reason="it is not a text")
    if trouble := _trouble(category, not_first=".-", nowhere=":$"):
        raise BadField(field="category", reason=f"{category[:_SHOWN]!r} {trouble}")
    return category


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise BadField(field="tags", reason=f"the name {name!r} is not a text")
    if trouble := _trouble(name, not_first="/-._", nowhere=":=$<>"):
        raise BadField(field="tags", reason=f"the name {name[:_SHOWN]!r} {trouble}")
    return name


def _trouble(text: str, not_first: str, nowhere: str) -> str | None:
    if not text.strip():
        return "is blank"
    if len(text) > MAX_LENGTH:
        return f"has more than {MAX_LENGTH} characters"
    if text[0] in not_first:
        return f"begins with {text[0]!r}"
    bad = (char for char in text if char in nowhere or unicodedata.category(char) in _UNPRINTABLE)
    return next((f"contains {char!r}" for char in bad), None)


def _checked_value(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | int | float):
        raise BadField(field="tags", reason=f"the value of {name!r} is neither a text nor a number")
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) > MAX_LENGTH:
        raise BadField(field="tags", reason=f"the value of {name!r} has more than {MAX_LENGTH} characters")
    if _NOT_TEXT.search(text):
        raise BadField(field="tags", reason=f"the value of {name!r} contains what is not text")
    return text
