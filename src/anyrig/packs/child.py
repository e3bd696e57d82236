"""A long-lived process that answers one question after the other on its stdin."""

import asyncio
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from anyrig.packs.git import end, start

_Answer = TypeVar("_Answer")


class ChildFailed(Exception):
    """The process ended, or did not answer in time. Stays inside this package."""


class Child:
    """Started when first asked, started again when found dead; answers one caller at a time."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._env = env
        self._lock = asyncio.Lock()
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None

    async def ask(
        self, question: bytes, read: Callable[[StreamReader], Awaitable[_Answer]], deadline: float
    ) -> _Answer:
        """Write ``question``, and give what ``read`` makes of the answer.

        A caller that goes away half-way ends the process: what it would still say belongs to no question.

        Raises:
            ChildFailed: It died twice over this question, or took longer than ``deadline`` seconds.
        """
        try:
            async with asyncio.timeout(deadline), self._lock:
                try:
                    return await self._exchange(question, read)
                except (asyncio.IncompleteReadError, ConnectionError):
                    await self._end()
                    return await self._exchange(question, read)
        except TimeoutError as error:
            raise ChildFailed(f"{self._command[0]} took longer than {deadline:g} s") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ChildFailed(f"{self._command[0]} ended unexpectedly") from error

    async def close(self) -> None:
        """End the process, once it has answered whoever waits for it."""
        async with self._lock:
            await self._end()

    async def _exchange(self, question: bytes, read: Callable[[StreamReader], Awaitable[_Answer]]) -> _Answer:
        complete = False
        try:
            stdin, stdout = await self._pipes()
            # Not drained: the child may stop reading until we read what it says.
            stdin.write(question)
            answer = await read(stdout)
            complete = True
            return answer
        finally:
            if not complete:
                await self._end()

    async def _pipes(self) -> tuple[asyncio.StreamWriter, StreamReader]:
        if self._process is None:
            self._process = await start(*self._command, env=self._env)
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.is_closing():
            raise ConnectionResetError
        return stdin, stdout

    async def _end(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await end(process)
