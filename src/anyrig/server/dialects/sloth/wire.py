"""Our values and what clients of Sloth CI read, both ways. Pure."""

import json
from collections.abc import Sequence
from math import ceil
from typing import Any

from anyrig.core.build_records import LOGGERS, Level, Record
from anyrig.core.builds import BadBuild
from anyrig.core.errors import (
    AnyrigError,
    BadField,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from anyrig.core.extensions.base import BadExtension

VERSION = "2.2.0"
"""What the server of the same API calls itself."""
REALM = 'Basic realm="sloth-ci", charset="UTF-8"'
_STATUS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooManyRequests, 429),
    (BadBuild, 500),
    (BadExtension, 500),
    (Invalid, 400),
    (AnyrigError, 503),
)
_AS_THEY_ARE = ("The \"'id'\" param", "Failed to create app", "No matching validator")
_NO_CONFIG = "is not a valid config string"
_LEVELS = {level: level.name for level in Level}
_LARGEST = 2**31 - 1
"""What databases take for a level."""
_LONGEST = 1000
"""Characters of a sentence, which may quote what it was given."""
NEVER = "Never triggered"


class Missing(BadField):
    """Missing parameter {name}"""  # noqa: D415 - clients print it so

    code = "missing_parameter"


class Unknown(NotFound):
    """Action '{name}' not found"""  # noqa: D415 - clients print it so

    code = "unknown_action"


class BadPaging(Invalid):
    """Failed to get app logs: {reason}"""  # noqa: D415 - clients print it so

    code = "bad_paging"


def status_of(error: AnyrigError) -> int:
    if isinstance(error, BadPaging):
        return 500
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def sentence_of(error: AnyrigError) -> str:
    """What clients print, clipped; with the words of their own server where it has any."""
    text = _words(error)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(error: AnyrigError) -> str:
    text = str(error)
    match error:
        case BadBuild() | BadExtension():
            plain = text.startswith(_AS_THEY_ARE) or text.endswith(_NO_CONFIG)
            return text if plain else f"Failed to create app: {text}"
        case NotFound() if error.fields.get("what") == "build":
            return f"Listen point '{error.fields['name']}' not found"
        case _:
            return text


def headers_of(error: AnyrigError) -> dict[str, str]:
    match error:
        case Unauthenticated():
            return {"www-authenticate": REALM}
        case TooManyRequests():
            return {"retry-after": str(ceil(float(str(error.fields.get("seconds", 1)))))}
        case _:
            return {}


def json_bytes(value: Any) -> bytes:
    """With Python's own spacing."""
    return json.dumps(value).encode()


def records_json(listen_point: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    names = {channel: listen_point + suffix for channel, suffix in LOGGERS.items()}
    return [
        {
            "timestamp": record.at / 1e6,
            "logger_name": names[record.channel],
            "level_name": _LEVELS[record.level],
            "level_number": record.level.value,
            "message": record.message,
        }
        for record in records
    ]


def info_json(config_file: str | None, last: Record | None) -> dict[str, Any]:
    """A text for the file in any case: clients trip over null."""
    return {
        "config_file": config_file or "",
        "last_build_status_message": last.message if last else NEVER,
        "last_build_status_level": last.level.name if last else NEVER,
        "last_build_timestamp": last.at / 1e6 if last else 0,
    }


def whole(text: str) -> int:
    """Raises BadPaging, in Python's words."""
    try:
        number = int(text)
    except ValueError as error:
        raise BadPaging(reason=str(error)) from None
    if abs(number) > _LARGEST:
        raise BadPaging(reason=f"{text[:20]} is too large")
    return number


def level_of(text: str) -> int:
    """A level by its number, or by its name."""
    return Level[text.upper()] if text.upper() in Level.__members__ else whole(text)
