"""The bare repository that we host for a project."""

import secrets
import shutil
from functools import lru_cache
from pathlib import Path

from anyrig.packs.git import environment, must, run
from anyrig.packs.revisions import HEAD
from anyrig.packs.source import IGNORED, Kind, Source

MAIN = "refs/heads/main"
_PREFERRED = (MAIN, "refs/heads/master")
_SOURCE = "anyrig-source"
# Snapshots are replaced by every run of a client. What a job ran must stay readable, so nothing is pruned.
_CONFIG = """
[http]
\treceivepack = true
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
[receive]
\tdenyNonFastForwards = false
\tdenyDeletes = false
[gc]
\tcruftPacks = true
\tpruneExpire = never
[core]
\tfsync = committed,reference
"""
_HOOK = """#!/bin/sh
case "$1" in
refs/snapshots/*) exit 0 ;;
esac
echo "This test pack follows another repository: push $1 there. Here only refs/snapshots/* is taken." >&2
exit 1
"""


async def make(repository: Path) -> None:
    """Make the bare repository unless it is there; nobody ever sees it half made.

    Raises:
        GitFailed: Git cannot make it.
    """
    if is_made(repository):
        return
    new = repository.with_name(f".new-{secrets.token_hex(8)}")
    try:
        await must(
            "init", "--quiet", "--bare", "--template=", "--initial-branch=main", new, env=environment()
        )
        _equip(new)
        _publish(new, repository)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def is_made(repository: Path) -> bool:
    return repository.is_dir()


def source_of(repository: Path) -> Source | None:
    """What the repository follows; None if it is only pushed to."""
    path = repository / _SOURCE
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return _read_source(path, (found.st_ino, found.st_mtime_ns))


@lru_cache(maxsize=1000)
def _read_source(path: Path, _state: tuple[int, int]) -> Source:
    kind, location = path.read_text().split("\n", 1)
    return Source(Kind(kind), location)


def set_source(repository: Path, source: Source) -> None:
    """Follow ``source`` from now on, and refuse pushes that the next fetch would undo.

    The location may hold a password, so only the owner can read the file.
    """
    hook = repository / "hooks/update"
    hook.write_text(_HOOK)
    hook.chmod(0o755)
    new = repository / f"{_SOURCE}.{secrets.token_hex(8)}"
    new.touch(mode=0o600)
    new.write_text(f"{source.kind}\n{source.location}")
    new.replace(repository / _SOURCE)


def head_of(repository: Path) -> str | None:
    """The full name of the default branch; None if HEAD is a commit."""
    text = (repository / HEAD).read_text().strip()
    return text.removeprefix("ref: ") if text.startswith("ref: ") else None


async def settle_head(repository: Path) -> None:
    """Make a branch that exists the default one, if the present default does not exist.

    Raises:
        GitFailed: The repository cannot be read or written.
    """
    env = environment(GIT_DIR=str(repository))
    if not (await run("rev-parse", "--quiet", "--verify", HEAD, env=env)).code:
        return
    branches = (await must("for-each-ref", "--format=%(refname)", "refs/heads", env=env)).split()
    if branches:
        best = min(branches, key=lambda name: (name not in _PREFERRED, name))
        await must("symbolic-ref", HEAD, best, env=env)


def _equip(repository: Path) -> None:
    with (repository / "config").open("a") as config:
        config.write(_CONFIG)
    (repository / "hooks").mkdir(exist_ok=True)
    (repository / "info").mkdir(exist_ok=True)
    (repository / "info/exclude").write_text(IGNORED)


def _publish(new: Path, repository: Path) -> None:
    try:
        new.rename(repository)
    except OSError:
        if not repository.is_dir():  # otherwise somebody else was faster, and theirs is as good as ours
            raise
