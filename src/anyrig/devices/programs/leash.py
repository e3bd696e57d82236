"""The program that runs a user's command and leaves no process of it behind.

``python leash.py ARGV…``: runs it until it ends or until we get SIGTERM, which the kernel sends us too when
the process that started us is gone. Then everything that the command started is told to end, and killed a
moment later. Our exit status is that of the command; 127 and words on standard error if it cannot be started.

Standard library only, because it is started for every command. Linux only.
"""

# ruff: noqa: PTH123, PTH208, SIM105 - pathlib and contextlib take as long to import as Python to start

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
_LOOK = 0.01
"""Seconds between two looks whether they have gone."""
_NOT_FOUND = 127


class _ToldError(Exception):
    """SIGTERM came."""


def main() -> NoReturn:
    ctypes.pythonapi.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what the command leaves behind becomes our child
    signal.signal(signal.SIGTERM, _told)
    status = 0
    try:
        status = _wait(_start(sys.argv[1:]))
    except _ToldError:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_all()
    os._exit(status)


def _told(*_: object) -> None:
    raise _ToldError


def _start(argv: list[str]) -> int:
    us = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.pythonapi.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == us:
            os.execvp(argv[0], argv)  # noqa: S606 - running what we are told is what we are for
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_FOUND)


def _wait(command: int) -> int:
    """Until the command has ended; orphans that end before it are forgotten."""
    while True:
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _end_all() -> None:
    """A killed process's children become ours, so that this gets at each, however deep it is."""
    _signal_children(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while True:
        late = time.monotonic() > deadline
        if late:
            _signal_children(signal.SIGKILL)
        try:
            ended, _ = os.waitpid(-1, 0 if late else os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            time.sleep(_LOOK)


def _signal_children(number: int) -> None:
    for pid in _children():
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def _children() -> list[int]:
    """By proc_pid_stat(5): the list that the kernel offers is not in each kernel."""
    us = str(os.getpid())
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == us]


def _parent(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended meanwhile


if __name__ == "__main__":
    main()
