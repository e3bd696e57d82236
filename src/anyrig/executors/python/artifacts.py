"""Which of the files that a test has left become artifacts."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """Artifacts by name, and a sentence for each file that does not become one."""

    files: dict[str, Path]
    passed_over: tuple[str, ...] = ()
    too_much: bool = False
    """The files together were above the limit; those that did not fit are among the ones passed over."""


def found(folder: Path, limit: int) -> Found:
    """Regular files in the folder and below, in the order of their names, at most ``limit`` bytes of them.

    Symbolic links are not followed. Names have to be printable UTF-8: they become parts of URLs.
    """
    files: dict[str, Path] = {}
    passed_over: list[str] = []
    left = limit
    for name, size in sorted(_regular(str(folder), "")):
        left -= size
        if not name.isprintable():  # false for what is no UTF-8, too
            passed_over.append(f"{name!a} is no artifact: its name is not printable UTF-8.")
        elif left < 0:
            passed_over.append(f"{name} is no artifact: the limit of {limit} bytes is exceeded.")
        else:
            files[name] = folder / name
    return Found(files, tuple(passed_over), too_much=left < 0)


def _regular(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Names and sizes; what we may not read is left out."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _regular(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False) and os.access(entry, os.R_OK):
            yield prefix + entry.name, entry.stat(follow_symlinks=False).st_size
