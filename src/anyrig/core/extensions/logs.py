"""Writes records to a file."""

import re
from dataclasses import dataclass

from anyrig.core.build_records import Level
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, flag, level, number, text

NAMES = ("logs", "file_logs")
_WIDE = re.compile(r"%\([^)]*\)[^a-zA-Z]*(?:\d{4,}|\*)")
_NAMELESS = re.compile(r"(?<!%)(?:%%)*%(?![%(])")
FORMAT = "%(asctime)s | %(name)30s | %(levelname)10s | %(message)s"


@dataclass(frozen=True, slots=True)
class FileLog:
    """A file below the folder for such files, or in one that the server's settings allow."""

    path: str
    """The file's folder."""
    filename: str
    level: Level
    format: str
    """As Python's ``logging.Formatter`` takes it."""
    rotating: bool
    max_bytes: int
    """A file that would get larger is renamed to ``FILENAME.1``, if ``rotating``; 0: never."""
    backup_count: int
    """So many older files are kept."""


def read(given: Options, listen_point: str) -> FileLog:
    """See ``ExtensionModule``."""
    name = text(given, "filename", f"{listen_point.replace('/', '_')}.log")
    if "/" in name or name in {".", ".."}:
        raise BadExtension(reason=f"filename is not the name of a file: '{name[:60]}'")
    return FileLog(
        path=text(given, "path", "."),
        filename=name,
        level=level(given, "level", Level.INFO),
        format=_format(text(given, "format", FORMAT)),
        rotating=flag(given, "rotating"),
        max_bytes=number(given, "max_bytes", 0),
        backup_count=number(given, "backup_count", 0, 1000),
    )


def _format(template: str) -> str:
    if _NAMELESS.search(template):
        raise BadExtension(reason="format has a field without a name")
    if _WIDE.search(template):
        raise BadExtension(reason="format has a field wider than 999")
    fields = {"asctime": "", "name": "", "levelname": "", "levelno": 0, "message": "", "created": 0.0}
    try:
        template % fields
    except (KeyError, ValueError, TypeError) as error:
        raise BadExtension(reason=f"format cannot be used: {error}") from error
    return template
