"""Names of things: which are allowed, and how ours are made."""

import re
from datetime import UTC, datetime

from anyrig.core.errors import BadField

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
ANY_NODE = "any"
"""Stands in a job's uid where the job was not sent to one named node."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SERIES = len(_ALPHABET) ** 4


def checked_name(field: str, name: str) -> str:
    """The name of a node, project, agent or user: 1 to 63 of ``A-Z a-z 0-9 _ -``.

    Raises:
        BadField: It is something else. These names stand in paths, git refs and bus subjects unescaped.
    """
    if not NAME.fullmatch(name):
        raise BadField(field=field, reason=f"'{name}' is not 1 to 63 letters, digits, '-' or '_'")
    return name


def job_uid(node: str | None, series: int, number: int) -> str:
    """``/node/XXXX/N``: XXXX is the farm's series in base 62, N the job's number, growing for ever.

    The shape is that of the stb-tester REST API v2, where the uid begins with a slash.
    """
    digits = ""
    series %= _SERIES
    for _ in range(4):
        series, digit = divmod(series, 62)
        digits = _ALPHABET[digit] + digits
    return f"/{node or ANY_NODE}/{digits}/{number}"


def result_id(job: str, start: int, ordinal: int) -> str:
    """``<job_uid>/2018-10-10T13:13:20``, with ``.2``, ``.3`` … for later results of the same second.

    ``start`` is in microseconds, UTC; ``ordinal`` counts the job's results in that second from 0.
    """
    second = datetime.fromtimestamp(start // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{job}/{second}" + (f".{ordinal + 1}" if ordinal else "")
