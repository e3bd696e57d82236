"""Our ends of the processes that supervise programs, and of the one that they are forked from.

That one is started with the first program: to start Python takes twenty times as long as to fork it.
"""

import asyncio
import os
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import anyrig

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from anyrig.executors.supervise import serve; serve()"
)
_SLACK = 15.0
"""Seconds until a supervisor that is to end counts as stuck."""
_TRIES = 2
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A supervisor that waits for its order."""

    pid: int
    reader: StreamReader
    writer: StreamWriter
    outputs: tuple[StreamReader, ...]
    """Of what the program writes to its standard output and, if it is to be told apart, error."""


@asynccontextmanager
async def supervised(*, separate: bool) -> AsyncIterator[Supervisor]:
    """A supervisor; on leaving, whatever it looks after is killed, and it has ended.

    ``separate``: tell the program's standard error from its output.

    Raises:
        OSError: None can be started.
    """
    for _ in range(_TRIES):  # one may have been asked for just when the nursery ended
        with ExitStack() as ends:
            reader, writer, outputs = await _ask(ends, separate=separate)
            pid = 0
            try:
                pid = int(await reader.readline() or 0)
                if pid:
                    yield Supervisor(pid, reader, writer, outputs)
                    return
            finally:
                await _farewell(pid, reader, writer)
    raise OSError("no process to supervise a program could be started")


async def _ask(
    ends: ExitStack, *, separate: bool
) -> tuple[StreamReader, StreamWriter, tuple[StreamReader, ...]]:
    """``ends`` closes our ends of the pipes."""
    ours, theirs = socket.socketpair()
    pipes = [os.pipe() for _ in range(1 + separate)]
    writing = [end for _, end in pipes]
    try:
        _NURSERY.fork(theirs.fileno(), writing[0], writing[-1])
    finally:
        theirs.close()
        for end in writing:
            os.close(end)
    outputs = [_reader(reading, ends) for reading, _ in pipes]
    return *await asyncio.open_connection(sock=ours), tuple(outputs)


def _reader(fd: int, ends: ExitStack) -> StreamReader:
    """What comes through a pipe.

    Not by ``connect_read_pipe``: uvloop 0.23 closes the descriptor there, and the file then closes it again,
    when that number may have become another file's.
    """
    reader, loop = StreamReader(), asyncio.get_running_loop()
    os.set_blocking(fd, False)

    def end() -> None:
        loop.remove_reader(fd)
        os.close(fd)

    def come() -> None:
        try:
            piece = os.read(fd, _PIECE)
        except BlockingIOError:
            return
        if piece:
            reader.feed_data(piece)
        else:
            ending.close()
            reader.feed_eof()

    ending = ends.enter_context(ExitStack())
    ending.callback(end)
    loop.add_reader(fd, come)
    return reader


async def _farewell(pid: int, reader: StreamReader, writer: StreamWriter) -> None:
    """Wait until the supervisor has killed what is left and has ended itself."""
    with suppress(OSError):
        writer.write_eof()  # if it still runs, the supervisor takes this as: kill everything, at once
    try:
        async with asyncio.timeout(_SLACK):
            await reader.read()
    except ConnectionError:
        pass  # it has ended
    except TimeoutError:
        if pid:
            os.kill(pid, SIGKILL)
    finally:
        writer.close()


class _Nursery:
    """The process that supervisors are forked from; not bound to an event loop."""

    def __init__(self) -> None:
        self._link: socket.socket | None = None
        self._pid = 0

    def fork(self, *fds: int) -> None:
        """Have a supervisor forked whose first descriptors are copies of these. Raises OSError."""
        if self._link is None or not _send(self._link, fds):
            self._begin()
            assert self._link is not None  # noqa: S101 - just made
            _send(self._link, fds)

    def _begin(self) -> None:
        if self._link is not None:
            self._link.close()
            os.waitpid(self._pid, 0)
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._pid = _spawn(theirs.fileno())


def _send(link: socket.socket, fds: tuple[int, ...]) -> bool:
    try:
        socket.send_fds(link, [b"+"], fds)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _spawn(link: int) -> int:
    root = str(Path(anyrig.__path__[0]).parent)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-E", "-S", "-s", "-c", _BOOT, root],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, link, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,  # an interrupt from the terminal is for us; we then stop programs in good order
    )


_NURSERY = _Nursery()
