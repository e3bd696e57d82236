"""Copies a small test pack in this process: to start a program for that takes longer than to do it."""

import os
import shutil
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_FEW = 200
_SMALL = 4 << 20
"""Bytes, and how many files and folders, that are copied in some milliseconds."""


def copied(pack: Path, copy: Path) -> bool:
    """Make a copy that may be written to, as ``cp -a`` would, unless the pack is large or hard to copy.

    Blocks. False: nothing of it is there.
    """
    try:
        sizes = list(islice(_sizes(pack), _FEW + 1))
        if None in sizes or len(sizes) > _FEW or sum(filter(None, sizes)) > _SMALL:
            return False
        shutil.copytree(pack, copy, symlinks=True)
        _make_writable(copy)
    except OSError:
        shutil.rmtree(copy, ignore_errors=True)
        return False
    return True


def _sizes(folder: Path | str) -> Iterator[int | None]:
    """Bytes of everything in it; None for what is neither file, folder nor symbolic link."""
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                yield 0
                yield from _sizes(entry.path)
            else:
                usual = stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)
                yield status.st_size if usual else None


def _make_writable(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in files)):  # noqa: PTH118 - quicker
            mode = os.lstat(path).st_mode
            if not mode & stat.S_IWUSR:
                os.chmod(path, mode | stat.S_IWUSR)  # noqa: PTH101 - quicker; links have all rights
