"""Files as they are to be sent: length, digests, and the bytes of the small ones. All of it blocks."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyrig.core.messages import Artifact

SMALL = 256 * 1024
"""Bytes up to which a file is held in memory and shares a request with others."""
BLOCK = 1 << 20
_HELD = 960_000
"""Bytes of small files that are held at once, and share a request of 1 MiB: more in one piece would keep
other tasks of the agent waiting while it is written."""
_MANY = 500
"""Files of one batch, so that empty ones do not make a batch without end."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A file and what it held when it was read."""

    path: Path
    artifact: Artifact
    content: bytes | None
    """None for a file larger than SMALL, which is read again while it is sent."""


def measured(files: Sequence[tuple[str, Path]]) -> list[Measured]:
    """Measure the first of these files, at least one: as many as may be held in memory together.

    Raises:
        OSError: One cannot be read, or is no regular file.
    """
    found: list[Measured] = []
    held = 0
    for name, path in files[:_MANY]:
        found.append(measure(name, path))
        held += len(found[-1].content or b"")
        if held > _HELD - SMALL:
            break
    return found


def measure(name: str, path: Path) -> Measured:
    """Measure one file; of one that is just being written, what was there at first."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    block = b""
    for block in blocks(path, 0, None):
        md5.update(block)
        sha256.update(block)
        size += len(block)
    artifact = Artifact(name, size, md5.hexdigest(), sha256.hexdigest())
    return Measured(path, artifact, block if size <= SMALL else None)


def blocks(path: Path, start: int, stop: int | None) -> Iterator[bytes]:
    """The file's bytes from ``start`` on, up to ``stop``; None is its present length, or less if it shrinks.

    Raises:
        OSError: It cannot be read, is no regular file, or ends before ``stop``.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer must not hold us up
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        end = status.st_size if stop is None else stop
        while start < end and (block := os.pread(fd, min(BLOCK, end - start), start)):
            yield block
            start += len(block)
        if stop is not None and start < stop:
            raise OSError(errno.ENODATA, "The file has become shorter", str(path))
    finally:
        os.close(fd)
