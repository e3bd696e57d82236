"""The program that runs another program and leaves no process of it behind.

``supervisors.py`` has one forked for each program. Its standard input is a socket: out goes a line with its
process number, in comes the order (marshal: argv, working directory, environment), then at most one line
``stop SECONDS``; out goes one line, ``exit STATUS`` (negative: the signal) or ``failed REASON``. When the
socket closes, for example because the agent was killed, everything is killed at once. The program inherits
our standard output and error, its standard input is empty, and it leads a session of its own.

Imports little, because the first program waits for it.
"""
# ruff: noqa: SIM105 - contextlib and typing each take as long to import as Python to start

from __future__ import annotations

import array
import ctypes  # noqa: F401 - needed by each supervisor, and inherited by all
import gc
import marshal
import os
import select
import signal
import time
import warnings  # noqa: F401 - os.execvpe wants it
from _socket import SCM_RIGHTS, SOL_SOCKET, socket

from anyrig.executors.descendants import (
    adopt_orphans,
    descendants,
    die_with,
    kill_descendants,
    reap,
    signal_all,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_SOCKET = 0
_OUTPUTS = (1, 2)
_HEAD = 4
_ROOM = 64
"""Bytes for three descriptors and what goes with them (cmsg(3))."""
_IDLE = 600
"""Seconds without a program after which the process that supervisors are forked from ends."""
_LOOK_ROUND = 1.0
"""Seconds between two looks for orphans that have ended and that only we can wait for."""


def serve() -> NoReturn:
    """Have a supervisor ready for each message on our standard input, which brings its first descriptors.

    It was forked before it is asked for: nobody waits for that. Ends when the one who started us has ended,
    or has wanted nothing for long.
    """
    link = socket(fileno=_SOCKET)
    gc.disable()  # what is not touched is not copied
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # its socket tells of a supervisor's end
    taken = b"+"
    while taken:
        reading, writing = os.pipe()
        if not os.fork():
            os.close(reading)
            _await_order(link, writing)
        os.close(writing)
        taken = os.read(reading, 1)
        os.close(reading)
    os._exit(0)


def _await_order(link: socket, taken: int) -> NoReturn:
    """Become the supervisor of the next program, and say so; or end without a word when there is none."""
    if not select.select([link], [], [], _IDLE)[0] or not (fds := _received(link)):
        os._exit(0)
    os.write(taken, b"+")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for ours, given in enumerate(fds):
        os.dup2(given, ours)
    _close([*fds, taken])
    main()


def _received(link: socket) -> list[int]:
    """The descriptors that came with a message; none at the end."""
    fds = array.array("i")
    _, extra, _, _ = link.recvmsg(1, _ROOM)
    for level, kind, data in extra:
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            fds.frombytes(data[: len(data) // fds.itemsize * fds.itemsize])
    return list(fds)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def main() -> NoReturn:
    """Supervise one program."""
    adopt_orphans()
    os.write(_SOCKET, b"%d\n" % os.getpid())
    argv, folder, environment = marshal.loads(_receive())  # noqa: S302 - from the agent, our parent
    pid, trouble = _start(argv, folder, environment)
    answer = b"failed " + trouble if trouble else b"exit %d" % _supervise(pid)
    try:
        os.write(_SOCKET, answer + b"\n")
    except OSError:
        pass  # nobody is left who wants to know
    os._exit(0)


def _receive() -> bytes:
    """One order: its length in 4 bytes, then itself. What follows, a stop, is not read yet."""
    return _exactly(int.from_bytes(_exactly(_HEAD), "big"))


def _exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(_SOCKET, count - len(data))
        if not piece:
            os._exit(1)
        data += piece
    return data


def _start(argv: list[bytes], folder: bytes, environment: dict[bytes, bytes]) -> tuple[int, bytes]:
    """The program's process number, and why it could not be started, or nothing."""
    supervisor = os.getpid()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        _become(argv, folder, environment, supervisor, writing)
    os.close(writing)
    trouble = os.read(reading, 4096)
    os.close(reading)
    null = os.open(os.devnull, os.O_RDWR)
    for ours in _OUTPUTS:
        os.dup2(null, ours)  # so that the output ends when the last process that writes to it ends
    return pid, trouble


def _become(
    argv: list[bytes], folder: bytes, environment: dict[bytes, bytes], supervisor: int, trouble: int
) -> NoReturn:
    try:
        os.setsid()
        die_with(supervisor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - running what we are told is what we are for
    except OSError as error:
        name = folder if error.filename == folder else argv[0]
        os.write(trouble, os.fsencode(f"{error.strerror}: ") + name)
    finally:
        os._exit(127)


def _supervise(pid: int) -> int:
    """Wait until the program ends or has to; its exit status, or the negative number of the signal."""
    statuses: dict[int, int] = {}
    handle = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(_SOCKET, select.POLLIN)
    deadline = float("inf")
    while time.monotonic() < deadline:
        ready = [fd for fd, _ in poll.poll(1000 * min(_LOOK_ROUND, deadline - time.monotonic()))]
        if handle in ready:
            break
        if _SOCKET in ready:
            deadline = time.monotonic() + _grace()
            poll.unregister(_SOCKET)
            signal_all(descendants(os.getpid()), signal.SIGTERM)
        reap(spare=[pid])
    kill_descendants(reaped=statuses.__setitem__)
    return os.waitstatus_to_exitcode(statuses[pid]) if pid in statuses else -signal.SIGKILL


def _grace() -> float:
    """Seconds from being told to stop to killing; nothing when the one who started us is gone."""
    return float(os.read(_SOCKET, 100).removeprefix(b"stop ") or 0)
