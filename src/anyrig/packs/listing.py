"""Lists the tests of a pack at a commit, without a checkout and without importing anything."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from anyrig.packs.git import environment, run
from anyrig.packs.objects import Objects
from anyrig.packs.parsers import Names, Parsers
from anyrig.packs.recent import Recent

DEADLINE = 60.0
"""Seconds for one list."""
_FILE_MODES = ("100644", "100755")


class Listing:
    """The tests of one repository, remembered by blob and by commit."""

    def __init__(self, repository: Path, objects: Objects, parsers: Parsers) -> None:
        self._repository = repository
        self._objects = objects
        self._parsers = parsers
        self._lock = asyncio.Lock()
        self._lists: Recent[str, Names] = Recent(16)
        self._names: Recent[str, Names] = Recent(20_000)

    async def at(self, sha: str) -> Names | None:
        """``tests/menu.py::test_x`` … by path, then in the source's order; None if there is no such commit.

        Raises:
            GitFailed: The repository cannot be read.
            TimeoutError: It took longer than ``DEADLINE``.
        """
        if (known := self._lists.get(sha)) is not None:
            return known
        async with asyncio.timeout(DEADLINE), self._lock:
            known = self._lists.get(sha)
            return known if known is not None else await self._make(sha)

    async def _make(self, sha: str) -> Names | None:
        files = await _python_files(self._repository, sha)
        if files is None:
            return None
        known = {blob: self._names.get(blob) for _, blob in files}
        learnt = await self._parsers.names(self._objects, [b for b, tests in known.items() if tests is None])
        for blob, tests in learnt.items():
            self._names.put(blob, tests)
        known |= learnt
        made = tuple(f"{path}::{name}" for path, blob in files for name in known[blob] or ())
        self._lists.put(sha, made)
        return made


async def _python_files(repository: Path, sha: str) -> list[tuple[str, str]] | None:
    """Path and blob of ``tests/**/*.py``. One that is not printable UTF-8 is left out."""
    env = environment(GIT_DIR=str(repository))
    done = await run("ls-tree", "-r", "-z", "--full-tree", sha, "--", "tests/", env=env)
    if done.code:
        return None
    return list(_entries(done.out))


def _entries(tree: bytes) -> Iterator[tuple[str, str]]:
    for line in tree.decode(errors="surrogateescape").split("\0"):
        head, _, path = line.partition("\t")
        if path.endswith(".py") and path.isprintable() and head.startswith(_FILE_MODES):
            yield path, head.rsplit(" ", 1)[1]
