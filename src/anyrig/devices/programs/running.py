"""Programs that a device needs: each ends with what it was started for, and with this process."""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import IO

from anyrig.devices.programs import leash

_PR_SET_PDEATHSIG = 1
_GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
_TAIL = 4000
"""Bytes of a program's last words."""
_LONGEST_WORDS = 300

_prctl = ctypes.CDLL(None).prctl


class Program(asyncio.SubprocessProtocol):
    """One that runs or ran."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pid = 0
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit status, negative: the signal."""
        self._transport: asyncio.SubprocessTransport
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - what this protocol is for
        self._transport = transport
        self.pid = transport.get_pid() or 0

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - only stderr is a pipe
        self._tail = (self._tail + data)[-_TAIL:]

    def process_exited(self) -> None:
        if not self.ended.done():
            self.ended.set_result(self._transport.get_returncode() or 0)

    @property
    def words(self) -> str:
        """The last line it wrote to its standard error."""
        lines = [line for line in self._tail.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[-_LONGEST_WORDS:] if lines else ""

    def kill(self) -> None:
        if not self.ended.done():
            self._transport.kill()

    async def end(self) -> None:
        """SIGTERM, and SIGKILL to one that does not go."""
        if not self.ended.done():
            self._transport.terminate()
            await asyncio.wait([self.ended], timeout=_GRACE)
        if not self.ended.done():
            self._transport.kill()
            await asyncio.wait([self.ended], timeout=_GRACE)
        self._transport.close()


@asynccontextmanager
async def running(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] | FileIO = asyncio.subprocess.DEVNULL,
    stdout: int | IO[bytes] | FileIO = asyncio.subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> AsyncIterator[Program]:
    """Runs ``argv``, without a shell, in a session of its own, until the context ends.

    Raises:
        OSError: It cannot be started.
    """
    _, program = await asyncio.get_running_loop().subprocess_exec(
        lambda: Program(Path(argv[0]).name),
        *argv,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )
    try:
        yield program
    finally:
        await asyncio.shield(program.end())


def leashed(argv: Sequence[str]) -> list[str]:
    """A command line that runs a program of the user's such that whatever it starts ends with it."""
    return [sys.executable, "-I", "-S", leash.__file__, *argv]


def found(name: str) -> str:
    """Where a program is.

    Raises:
        FileNotFoundError: It is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(2, f"{name} is not installed")
    return path


def _die_with(parent: int) -> Callable[[], None]:
    def die() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return die
