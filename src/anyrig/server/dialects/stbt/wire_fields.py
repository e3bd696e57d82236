"""Fields of the bodies that clients send."""

import re

from anyrig.core.errors import BadField
from anyrig.server.dialects.stbt.wire import Json

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def text(body: Json, key: str) -> str:
    """Raises BadField when it is missing, empty or no text."""
    value = optional(body, key)
    if not value:
        raise BadField(field=key, reason="it is missing" if value is None else "it is empty")
    return value


def optional(body: Json, key: str) -> str | None:
    """None when it is missing or null. Raises BadField when it is no text."""
    value = body.get(key)
    if value is not None and not (isinstance(value, str) and not _NOT_TEXT.search(value)):
        raise BadField(field=key, reason="it is not a text")
    return value


def seconds(body: Json, key: str) -> float | None:
    """None when it is missing or null. Raises BadField when it is no number of seconds."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadField(field=key, reason="it is not a number of seconds")
    return float(value)
