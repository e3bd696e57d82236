"""Reads a repository through long-lived ``git cat-file`` processes: well below a millisecond a question."""

import re
from asyncio import StreamReader
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyrig.packs.child import Child, ChildFailed
from anyrig.packs.git import QUICK, GitFailed, environment

_FOUND = re.compile(rb"([0-9a-f]{40}) (\w+) (\d+)\n")
_ASTRAY = re.compile(rb"(?:symlink|dangling|loop|notdir) (\d+)\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of the repository."""

    sha: str
    kind: str
    """``commit``, ``tree``, ``blob`` or ``tag``."""
    size: int
    """Bytes."""


class Objects:
    """The objects of one repository. Refs are read anew for every question."""

    def __init__(self, repository: Path) -> None:
        git, env = ("git", f"--git-dir={repository}", "cat-file", "--follow-symlinks"), environment()
        self._check = Child([*git, "--batch-check"], env)
        self._batch = Child([*git, "--batch"], env)

    @property
    def running(self) -> bool:
        return self._check.running or self._batch.running

    async def find(self, names: Sequence[str]) -> list[Entry | None]:
        """What git knows by each of the names; None for what it does not know. No name may hold a newline.

        Raises:
            GitFailed: The repository cannot be read.
        """

        async def answers(stdout: StreamReader) -> list[Entry | None]:
            return [await _entry(stdout) for _ in names]

        try:
            return await self._check.ask(_lines(names), answers, QUICK)
        except ChildFailed as error:
            raise GitFailed(str(error)) from error

    async def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents of each of the names, whole; None for what there is not. Raises as ``find``."""

        async def answers(stdout: StreamReader) -> list[bytes | None]:
            return [await _contents(stdout) for _ in names]

        try:
            return await self._batch.ask(_lines(names), answers, QUICK)
        except ChildFailed as error:
            raise GitFailed(str(error)) from error

    async def close(self) -> None:
        await self._check.close()
        await self._batch.close()


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


async def _entry(stdout: StreamReader) -> Entry | None:
    line = await stdout.readuntil(b"\n")
    if found := _FOUND.fullmatch(line):
        return Entry(found[1].decode(), found[2].decode(), int(found[3]))
    # A symbolic link that leads nowhere is told with the name it led to; anything else is "… missing".
    if astray := _ASTRAY.fullmatch(line):
        await stdout.readexactly(int(astray[1]) + 1)
    return None


async def _contents(stdout: StreamReader) -> bytes | None:
    entry = await _entry(stdout)
    return None if entry is None else (await stdout.readexactly(entry.size + 1))[:-1]
