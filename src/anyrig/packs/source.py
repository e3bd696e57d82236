"""Where a test pack comes from, when it is not simply pushed to us."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from anyrig.core.errors import BadField

_URL = re.compile(r"(?:https?|ssh|git)://\S+")
_SSH = re.compile(r"(?:[\w.-]+@)?[\w.][\w.-]*:(?!//)\S+")
_NOT_PACK = frozenset({".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
IGNORED = "".join(f"{name}/\n" for name in sorted(_NOT_PACK))
"""What is never committed from a plain folder, in the syntax of ``.gitignore``."""

Stamp = tuple[object, ...]
_State = tuple[str, int, int, int, int]


class Kind(StrEnum):
    """What stands at a source's location."""

    UPSTREAM = "upstream"
    """A repository on another machine; the location is its URL."""
    REPOSITORY = "repository"
    """A work tree or bare repository on this machine; the location is its absolute path."""
    FOLDER = "folder"
    """A plain folder on this machine; the location is its absolute path."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a hosted repository follows."""

    kind: Kind
    location: str


def recognise(text: str) -> Source:
    """What ``text`` names: a URL (http, https, ssh, git, file), ``[user@]host:path``, or a path here.

    A folder inside some work tree is a plain folder; only the top of a work tree is a repository.

    Raises:
        BadField: It is neither a folder nor such a URL.
    """
    text = text.strip()
    path = Path(unquote(urlsplit(text).path) if text.startswith("file://") else text).expanduser().absolute()
    if text and text.isprintable() and path.is_dir():
        return Source(Kind.REPOSITORY if _git_folder(path) else Kind.FOLDER, str(path))
    if text.isprintable() and (_URL.fullmatch(text) or _SSH.fullmatch(text)):
        return Source(Kind.UPSTREAM, text)
    raise BadField(field="pack", reason=f"'{text}' is neither a folder nor the URL of a git repository")


def stamp(source: Source) -> Stamp:
    """Changes whenever a source on this machine may have changed; blocks for one look at the disk.

    That is: the refs of a repository (a work tree's uncommitted changes are not seen), the files of a plain
    folder. For an upstream it never changes.
    """
    path = Path(source.location)
    if source.kind is Kind.UPSTREAM:
        return (source,)
    if source.kind is Kind.FOLDER:
        return (source, *sorted(_states(source.location)))
    folder = _git_folder(path) or path
    common = _common_folder(folder)
    parts = (f"{folder}/HEAD", f"{common}/packed-refs", f"{common}/refs", f"{common}/reftable")
    return (source, *sorted(state for part in parts for state in _states(part)))


def _git_folder(path: Path) -> Path | None:
    """The folder that git keeps its things in, for the top of a work tree or a bare repository."""
    dot = path / ".git"
    if dot.is_file():  # a linked work tree, or a submodule: "gitdir: <path>"
        return path / dot.read_text(errors="replace").removeprefix("gitdir:").strip()
    if dot.is_dir():
        return dot
    is_bare = (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()
    return path if is_bare else None


def _common_folder(folder: Path) -> Path:
    """A linked work tree shares its refs with the repository that this file names."""
    link = folder / "commondir"
    return folder / link.read_text(errors="replace").strip() if link.is_file() else folder


def _states(path: str) -> Iterator[_State]:
    """Every file at or below ``path`` with what changes when it is written; nothing for what is not there."""
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            yield path, found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
            return
        with os.scandir(path) as entries:
            inside = [entry.path for entry in entries if entry.name not in _NOT_PACK]
    except OSError:
        return
    for name in inside:
        yield from _states(name)
