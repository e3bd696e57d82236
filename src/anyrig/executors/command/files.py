"""Which files a command has left."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from anyrig.core.globs import compiled_glob

Signature = tuple[int, int, int, int]
"""Changes whenever a file is written, even if it keeps its size or is given an old time."""


def matching(folder: Path, globs: Iterable[str]) -> dict[str, Path]:
    """Name relative to the folder -> file, for every file that a glob matches, in the order of names.

    Git's own folder is left out, and so is a link to something outside of the folder.
    """
    patterns = [compiled_glob("glob", glob) for glob in globs]
    return (
        _files(folder, lambda name: any(pattern.fullmatch(name) for pattern in patterns)) if patterns else {}
    )


def all_files(folder: Path) -> dict[str, Path]:
    """Name relative to the folder -> file, for every file in it."""
    return _files(folder, lambda _: True)


def signatures(files: dict[str, Path]) -> dict[str, Signature]:
    """What to compare later to see which files have been written since."""
    return {name: _signature(file) for name, file in files.items()}


def attached(paths: Iterable[str], folders: tuple[Path, ...], inside: Path) -> dict[str, Path]:
    """Name -> file, for every path that is a file ``inside``; relative ones are looked for in the folders."""
    found = {}
    for path in paths:
        files = (Path(os.path.normpath(folder / path)) for folder in folders)
        if file := next((file for file in files if _is_inside(file, inside)), None):
            found[_short_name(file, folders[-1])] = file
    return found


def _files(folder: Path, wanted: Callable[[str], bool]) -> dict[str, Path]:
    found = ((_name(file, folder), file) for file in _walk(folder))
    return {name: file for name, file in sorted(found) if wanted(name) and _is_inside(file, folder)}


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from (Path(place, name) for name in files)


def _is_inside(file: Path, folder: Path) -> bool:
    """Whether it is a file that can be read, and no link leads out of the folder."""
    real = os.path.realpath(file)
    usable = os.path.isfile(real) and os.access(real, os.R_OK)  # noqa: PTH113 - Path.is_file may raise
    return usable and Path(real).is_relative_to(os.path.realpath(folder))


def _name(file: Path, folder: Path) -> str:
    """A file's name may be any bytes; an artifact's name is text."""
    return os.fsencode(os.path.relpath(file, folder)).decode("utf-8", "replace")


def _short_name(file: Path, folder: Path) -> str:
    below = file.is_relative_to(folder)
    return _name(file, folder) if below else _name(file, file.parent)


def _signature(file: Path) -> Signature:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
