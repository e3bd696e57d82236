"""A commit's files in a folder on the agent's disk: made, put right, and cleared away.

Below a repository's home: ``repository.git``, and for each commit the folder ``<sha>``, git's index of it
``<sha>.index``, and its lease. The folder appears last, so one that is there was complete.
"""

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from anyrig.packs import lease
from anyrig.packs.cache import keep
from anyrig.packs.git import environment, must, run

REPOSITORY = "repository.git"
_PLAIN = {"core.autocrlf": "false", "core.symlinks": "true", "core.hooksPath": os.devnull}
_WRITING = 120.0
"""Seconds that writing a checkout may take."""
Stamp = frozenset[tuple[str, int, int, int]]
_ABANDONED = 3600.0
"""Seconds after which a temporary folder belongs to an agent that was killed."""
_CHECK_OUT = ("checkout-index", "--all", "--force", "--index", "--quiet")


async def make(home: Path, sha: str) -> None:
    """Check out a commit that is in the repository.

    Raises:
        GitFailed: It is not, or not whole.
        OSError: The disk is full, or the like.
    """
    new = home / f"tmp-{secrets.token_hex(8)}"
    try:
        files, index = _made(new), new / "index"
        env = _environment(home, files, index)
        await must("read-tree", f"{keep(sha)}^{{tree}}", env=env, deadline=_WRITING)
        await must(*_CHECK_OUT, env=env, deadline=_WRITING)
        _publish(files, index, home / sha)
    finally:
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)


async def put_right(home: Path, sha: str) -> bool:
    """Whether the checkout is there; files that were changed or removed are written again.

    Raises:
        GitFailed: There is no git.
    """
    folder, index = home / sha, _index(home / sha)
    if _are_there(folder, index):
        done = await run(*_CHECK_OUT, env=_environment(home, folder, index), deadline=_WRITING)
        if not done.code:
            return True
    await asyncio.to_thread(_remove, folder)
    return False


def stamp(folder: Path) -> Stamp:
    """Changes with any file or folder below this one. Blocks; empty for a folder that is not there."""
    return frozenset(_marks(folder))


def _marks(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    """What vanishes during the look (Python's own half-written caches) counts as not there."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            yield from _mark(entry)


def _mark(entry: os.DirEntry[str]) -> Iterator[tuple[str, int, int, int]]:
    with suppress(FileNotFoundError):
        found = entry.stat(follow_symlinks=False)
        yield entry.path, found.st_ino, found.st_ctime_ns, found.st_size
        if entry.is_dir(follow_symlinks=False):
            yield from _marks(Path(entry.path))


def sweep(cache: Path, kept: int) -> list[tuple[Path, str]]:
    """Remove all checkouts but the ``kept`` that were used last, and those in use. Blocks.

    Gives home and sha of those removed.
    """
    leases = sorted(cache.glob(f"*/*{lease.SUFFIX}"), key=_last_use, reverse=True)
    done = [path for path in leases if path.with_suffix("").is_dir()]
    never_done = [path for path in leases if path not in done]
    removed = [path for path in (*done[kept:], *never_done) if _remove_unused(path)]
    for folder in _abandoned(cache):
        shutil.rmtree(folder, ignore_errors=True)
    return [(path.parent, path.stem) for path in removed]


def _environment(home: Path, files: Path, index: Path) -> dict[str, str]:
    places = {"GIT_DIR": home / REPOSITORY, "GIT_WORK_TREE": files, "GIT_INDEX_FILE": index}
    return environment(_PLAIN) | {key: str(path) for key, path in places.items()}


def _made(new: Path) -> Path:
    files = new / "files"
    files.mkdir(parents=True)
    return files


def _publish(files: Path, index: Path, folder: Path) -> None:
    index.rename(_index(folder))
    files.rename(folder)


def _index(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.index")


def _are_there(*paths: Path) -> bool:
    return all(path.exists() for path in paths)


def _last_use(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _remove_unused(path: Path) -> bool:
    with suppress(FileNotFoundError), lease.alone(path) as unused:
        if unused:
            _remove(path.with_suffix(""))
            path.with_suffix(lease.TURN).unlink(missing_ok=True)
            path.unlink()
        return unused
    return False


def _remove(folder: Path) -> None:
    """Out of the way first, at one stroke: nobody ever finds half a checkout under its name."""
    index, old = _index(folder), folder.with_name(f"tmp-{secrets.token_hex(8)}")
    index.unlink(missing_ok=True)
    index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        folder.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def _abandoned(cache: Path) -> Iterator[Path]:
    for folder in cache.glob("*/tmp-*"):
        if time.time() - _last_use(folder) > _ABANDONED:
            yield folder
