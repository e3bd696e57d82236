"""A child process that is started again when it dies, and does not outlive us."""

import asyncio
import ctypes
import logging
import signal
from collections.abc import Sequence
from typing import Self

log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_GRACE = 15.0
_LONGEST_PAUSE = 10.0


class Child:
    """``async with Child(argv):`` — SIGTERM at the end, SIGKILL to one that does not go."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._process: asyncio.subprocess.Process | None = None
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._process = await self._start()
        self._keeper = self._tasks.create_task(self._keep(self._process))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self._process is not None and self._process.returncode is None:
            await _end(self._process)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
        )

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        pause = 0.1
        while True:
            code = await process.wait()
            log.error("%s ended with %s; starting it again", self._argv[-1], code)
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            process = self._process = await self._start()


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _die_with_parent() -> None:
    """Linux: SIGTERM when the parent is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
