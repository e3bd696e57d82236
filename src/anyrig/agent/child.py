"""A child process that is started again when it dies, and does not outlive us."""

import asyncio
import ctypes
import logging
import os
import signal
from collections.abc import Sequence
from typing import Protocol, Self

log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_GRACE = 15.0
_LONGEST_PAUSE = 10.0


class _Process(Protocol):
    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Child:
    """``async with Child(argv):`` — SIGTERM at the end, SIGKILL to one that does not go.

    ``adopted``: the process number of a child of ours that runs already.
    """

    def __init__(self, argv: Sequence[str], adopted: int | None = None) -> None:
        self._argv = argv
        self._adopted = adopted
        self._process: _Process | None = None
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._process = await self._start() if self._adopted is None else _Adopted(self._adopted)
        self._keeper = self._tasks.create_task(self._keep(self._process))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._keep_no_more()
        if self._process is not None and self._process.returncode is None:
            await end(self._process)

    async def leave(self) -> int | None:
        """Let it run on; its process number, if it does run."""
        await self._keep_no_more()
        process, self._process = self._process, None
        return process.pid if process is not None and process.returncode is None else None

    async def _keep_no_more(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
            await self._tasks.__aexit__(None, None, None)

    async def _start(self) -> _Process:
        return await asyncio.create_subprocess_exec(
            *self._argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
        )

    async def _keep(self, process: _Process) -> None:
        pause = 0.1
        while True:
            code = await process.wait()
            log.error("%s ended with %s; starting it again", self._argv[-1], code)
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            process = self._process = await self._start()


class _Adopted:
    """A child that an earlier program of this process has started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    async def wait(self) -> int:
        if self.returncode is None:
            handle = os.pidfd_open(self.pid)
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(handle, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(handle)
                os.close(handle)
            self.returncode = _reaped(self.pid)
        return self.returncode

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def _reaped(pid: int) -> int:
    """The exit code of a child that has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def end_adopted(pid: int) -> None:
    """End a child that an earlier program of this process has started."""
    await end(_Adopted(pid))


async def end(process: _Process) -> None:
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
