"""Writes records to files, below folders that the server's owner has chosen."""

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePath

from anyrig.core.extensions.logs import FileLog
from anyrig.engine.announcing.base import Announcement, Around, NotTold, in_thread
from anyrig.engine.announcing.rotation import is_full, rotate

_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_OPEN = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Links are not followed, and what is no file does not block."""
_FOR_EVER = {
    errno.ELOOP: "is a link",
    errno.ENOTDIR: "is no folder, or a link",
    errno.EISDIR: "is a folder",
    errno.ENXIO: "is no file",
    errno.ENAMETOOLONG: "is too long a name",
}


async def tell(options: FileLog, announcement: Announcement, around: Around) -> None:
    """Once this has returned, the line is on the disk."""
    line = line_of(options, announcement).encode("utf-8", "replace")
    await in_thread(around, partial(_append, options, around, line))


def line_of(options: FileLog, announcement: Announcement) -> str:
    """As Python's own logging would write it, with the local time."""
    record = announcement.record
    entry = logging.LogRecord(announcement.logger, int(record.level), "", 0, record.message, None, None)
    entry.created = record.at / 1e6
    entry.msecs = record.at // 1000 % 1000
    return logging.Formatter(options.format, validate=False).format(entry) + "\n"


def check(options: FileLog, around: Around) -> None:
    """Nothing is made. Raises NotTold: there will never be a file at that place."""
    try:
        with _folder(options, around, make=False) as folder:
            _check_kind(os.stat(options.filename, dir_fd=folder, follow_symlinks=False).st_mode, options)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _not_told(options, error) from None


def _check_kind(mode: int, options: FileLog) -> None:
    if not stat.S_ISREG(mode):
        raise NotTold(f"{options.filename} is there already, and is no file", for_ever=True)


def _append(options: FileLog, around: Around, line: bytes) -> None:
    """Raises NotTold."""
    try:
        with _folder(options, around, make=True) as folder:
            if is_full(options, folder, len(line)):
                rotate(options, folder, len(line))
            with _file(options, folder) as file:
                _write(file, folder, line)
    except OSError as error:
        raise _not_told(options, error) from None


def _not_told(options: FileLog, error: OSError) -> NotTold:
    return NotTold(f"{options.filename}: {error.strerror or error}", for_ever=error.errno in _FOR_EVER)


def _write(file: int, folder: int, line: bytes) -> None:
    """At once, behind whatever others write; a line that was cut off before is ended first."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    if os.write(file, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(file)
    if not size:
        os.fsync(folder)


@contextmanager
def _file(options: FileLog, folder: int) -> Iterator[int]:
    file = os.open(options.filename, _OPEN, _FILE_MODE, dir_fd=folder)
    try:
        _check_kind(os.fstat(file).st_mode, options)
        yield file
    finally:
        os.close(file)


@contextmanager
def _folder(options: FileLog, around: Around, *, make: bool) -> Iterator[int]:
    """The file's folder, opened step by step: whoever can write there cannot lead us elsewhere by a link.

    Raises:
        NotTold: It is not below a folder that is allowed.
        FileNotFoundError: It is not there, and not to be made.
    """
    root, way = _way(options, around)
    if make and root == around.logs:
        root.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in way:
            inner = _step(folder, part, make=make)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _step(folder: int, part: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(part, _FOLDER_MODE, dir_fd=folder)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(part, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in _FOR_EVER:
            raise NotTold(f"the folder {part} {_FOR_EVER[error.errno]}", for_ever=True) from None
        raise


def _way(options: FileLog, around: Around) -> tuple[Path, tuple[str, ...]]:
    """A folder that the server's owner has chosen, and the names of those that lead on from there."""
    path = PurePath(options.path)
    if ".." in path.parts:
        raise NotTold(f"path leads back by '..': '{options.path}'", for_ever=True)
    if not path.is_absolute():
        return around.logs, path.parts
    for root in around.file_log_folders:
        if path.is_relative_to(root):
            return root, path.relative_to(root).parts
    reason = f"the server's setting file_log_folders has no folder that '{options.path}' is in"
    raise NotTold(reason, for_ever=True)
