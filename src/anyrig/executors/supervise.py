"""The program that runs another program and leaves no process of it behind.

Started by ``process.py``, one for each program. Its standard input is a socket: the order comes in (marshal:
argv, working directory, environment), then at most one line ``stop SECONDS``; out goes one line,
``exit STATUS`` (negative: the signal) or ``failed REASON``. When the socket closes, for example because the
agent was killed, everything is killed at once. The program inherits our standard output and error, its
standard input is empty, and it leads a session of its own.

Imports little, because every run of a program waits for it.
"""
# ruff: noqa: SIM105 - contextlib and typing each take as long to import as Python to start

from __future__ import annotations

import marshal
import os
import select
import time

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
_SIGTERM = 15
_SIGKILL = 9
_OUTPUTS = (1, 2)
_HEAD = 4
_LOOK_ROUND = 1.0
"""Seconds between two looks for orphans that have ended and that only we can wait for."""


def main() -> NoReturn:
    adopt_orphans()
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
            signal_all(descendants(os.getpid()), _SIGTERM)
        reap(spare=[pid])
    kill_descendants(reaped=statuses.__setitem__)
    return os.waitstatus_to_exitcode(statuses[pid]) if pid in statuses else -_SIGKILL


def _grace() -> float:
    """Seconds from being told to stop to killing; nothing when the one who started us is gone."""
    return float(os.read(_SOCKET, 100).removeprefix(b"stop ") or 0)
