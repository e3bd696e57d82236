"""``anyrig.toml`` at the root of a test pack: the commands that are tests of kind ``command``.

Described for users in ``docs/reference/anyrig-toml.md``.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anyrig.core.errors import BadField
from anyrig.core.globs import compiled_glob
from anyrig.core.ids import checked_name

PACK_FILE = "anyrig.toml"
"""Its path in a test pack."""
DEFAULT_TIMEOUT = 3600.0
LONGEST_TIMEOUT = 30 * 86400.0
_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OURS = "ANYRIG_"
"""Begins the names of the variables that Anyrig sets."""


@dataclass(frozen=True, slots=True)
class Command:
    """One ``[command.NAME]`` table; the name is the test's name."""

    name: str
    run: str | tuple[str, ...]
    """A script for ``/bin/sh -e``, or a program and its arguments."""
    junit: tuple[str, ...] = ()
    """Globs of the JUnit files that it writes."""
    artifacts: tuple[str, ...] = ()
    """Globs of the files to keep."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds."""
    env: Mapping[str, str] = field(default_factory=dict)
    work_dir: str = "."
    """Relative to the root of the pack; the globs are relative to it."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PackFile:
    """What a test pack says about itself."""

    commands: Mapping[str, Command] = field(default_factory=dict)
    """By name, in the order of the file."""


def parse_pack_file(data: bytes) -> PackFile:
    """The contents of an ``anyrig.toml``.

    Raises:
        BadField: It is not TOML, has a key that is not known, or a value that makes no sense.
    """
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadField(field=PACK_FILE, reason=f"it is not TOML in UTF-8: {error}") from error
    _refuse_unknown("", document, ("command",))
    tables = _table("command", document.get("command", {}))
    return PackFile(commands={name: _command(name, table) for name, table in tables.items()})


def _command(name: str, value: object) -> Command:
    where = f"command.{checked_name('command', name)}"
    if not isinstance(value, dict):
        raise BadField(field=where, reason="it is not a table; a command is written as [command.NAME]")
    _refuse_unknown(f"{where}.", value, _READERS)
    if "run" not in value:
        raise BadField(field=f"{where}.run", reason="it is missing")
    return Command(name=name, **{key: _READERS[key](f"{where}.{key}", value[key]) for key in value})


def _refuse_unknown(
    prefix: str, table: Mapping[str, object], known: Mapping[str, object] | tuple[str, ...]
) -> None:
    for key in table:
        if key not in known:
            raise BadField(field=prefix + key, reason=f"it is not known; known here: {', '.join(known)}")


def _table(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadField(field=where, reason="it is not a table")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise BadField(field=where, reason="it is not a text")
    return value


def _run(where: str, value: object) -> str | tuple[str, ...]:
    words = [_text(where, word) for word in (value if isinstance(value, list) else [value])]
    if not words or not words[0].strip():
        raise BadField(field=where, reason="it is empty")
    return tuple(words) if isinstance(value, list) else words[0]


def _globs(where: str, value: object) -> tuple[str, ...]:
    globs = tuple(_text(where, glob) for glob in (value if isinstance(value, list) else [value]))
    for glob in globs:
        compiled_glob(where, glob)
    return globs


def _seconds(where: str, value: object) -> float:
    seconds = 0.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        days, hours, minutes, rest = (float(part or 0) for part in match.groups())
        seconds = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise BadField(
            field=where, reason=f"'{value}' is not a time such as '90s', '1h30m' or 90, up to 30 days"
        )
    return seconds


def _env(where: str, value: object) -> dict[str, str]:
    return {name: _variable(f"{where}.{name}", name, text) for name, text in _table(where, value).items()}


def _variable(where: str, name: str, value: object) -> str:
    if not _VARIABLE.fullmatch(name):
        raise BadField(field=where, reason="the name is not one of letters, digits and '_'")
    if name.startswith(OURS):
        raise BadField(field=where, reason=f"names that begin with {OURS} are set by Anyrig")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        raise BadField(field=where, reason="it is neither a text nor a whole number; put it in quotes")
    return value


def _folder(where: str, value: object) -> str:
    path = _text(where, value)
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise BadField(field=where, reason=f"'{path}' is not a folder inside the test pack")
    return path


_READERS: dict[str, Callable[[str, object], Any]] = {
    "run": _run,
    "junit": _globs,
    "artifacts": _globs,
    "timeout": _seconds,
    "env": _env,
    "work_dir": _folder,
    "description": _text,
}
"""The keys of a command, each with what turns its value into ours."""
