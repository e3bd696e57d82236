"""Processes that parse Python files, so that the server's own does not."""

import asyncio
import os
import sys
from asyncio import StreamReader
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from anyrig.packs import names
from anyrig.packs.child import Child, ChildFailed
from anyrig.packs.git import environment
from anyrig.packs.objects import Objects

Names = tuple[str, ...]
PARSER = (sys.executable, "-I", "-S", "-W", "ignore", str(Path(names.__file__)))
_CHUNK = 48
_PARSING = 20.0
_PARSERS = min(4, os.cpu_count() or 1)


class Parsers:
    """Processes that parse Python files; started when there is work, one only unless there is much."""

    def __init__(self, command: Sequence[str] = PARSER) -> None:
        self._children = [Child(command, environment()) for _ in range(_PARSERS)]

    async def names(self, objects: Objects, blobs: Sequence[str]) -> dict[str, Names]:
        """The tests of each of the blobs.

        Raises:
            GitFailed: A blob cannot be read.
        """
        chunks = deque(blobs[start : start + _CHUNK] for start in range(0, len(blobs), _CHUNK))
        found: dict[str, Names] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for child in self._children[: len(chunks)]:
                    group.create_task(_work(child, objects, chunks, found))
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from None
        return found

    async def close(self) -> None:
        for child in self._children:
            await child.close()


async def _work(
    child: Child, objects: Objects, chunks: deque[Sequence[str]], found: dict[str, Names]
) -> None:
    while chunks:
        chunk = chunks.popleft()
        sources = zip(chunk, await objects.read(chunk), strict=True)
        known = {blob: source or b"" for blob, source in sources}
        found.update(dict.fromkeys(known, ()))
        worth = [blob for blob, source in known.items() if names.may_hold_tests(source)]
        found.update(zip(worth, await _parse(child, [known[blob] for blob in worth]), strict=True))


async def _parse(child: Child, sources: Sequence[bytes]) -> list[Names]:
    """A file that the parser does not survive is read line by line instead."""

    async def answers(stdout: StreamReader) -> list[Names]:
        return [tuple((await _message(stdout)).split()) for _ in sources]

    try:
        question = b"".join(b"%d\n%b" % (len(source), source) for source in sources)
        return await child.ask(question, answers, _PARSING) if sources else []
    except ChildFailed:
        if len(sources) == 1:
            return [tuple(names.names_by_line(sources[0]))]
        return [(await _parse(child, [source]))[0] for source in sources]


async def _message(stdout: StreamReader) -> str:
    size = int(await stdout.readuntil(b"\n"))
    return (await stdout.readexactly(size)).decode()
