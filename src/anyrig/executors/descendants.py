"""Every process below this one: found, and made to end. Linux only.

Standard library only, and nothing that is slow to import: the programs that supervise tests use it outside of
our environment, before anything else.
"""
# ruff: noqa: PTH110, PTH123, PTH208, SIM105 - pathlib, contextlib and typing each take as long to import as Python to start

from __future__ import annotations

import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9
_GIVE_UP = 10.0
"""Seconds after which a killed process that is still there counts as one that cannot be killed."""


def adopt_orphans() -> None:
    """From now on a descendant whose parent has ended becomes our child: none can slip away (prctl(2))."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """From now on the kernel kills us when our parent, the process number ``parent``, ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(_SIGKILL)


def _prctl(option: int, value: int) -> None:
    import ctypes  # noqa: PLC0415 - 7 ms that only a process of its own has to spend

    # pythonapi, the process's own symbols, is there at once; a CDLL of the C library has to be made
    if ctypes.pythonapi.prctl(option, value, 0, 0, 0):
        raise OSError(0, "prctl")


def children(pid: int) -> list[int]:
    """The processes whose parent is ``pid``, ended ones that nobody has waited for included."""
    if not os.path.exists("/proc/thread-self/children"):
        return _children_by_stat(pid)
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    return [
        int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()
    ]


def _children_by_stat(pid: int) -> list[int]:
    """As ``children``, for a kernel built without CONFIG_PROC_CHILDREN."""
    everybody = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [process for process in everybody if _state_and_parent(process)[1] == pid]


def _state_and_parent(pid: int) -> tuple[str, int]:
    """As in proc_pid_stat(5); state X and parent 0 when there is no such process."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return (fields[0].decode(), int(fields[1])) if fields else ("X", 0)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # it has ended meanwhile


def descendants(pid: int) -> list[int]:
    """All processes below ``pid``, parents before their children."""
    found = children(pid)
    for process in found:
        found += children(process)
    return found


def signal_all(pids: Collection[int], signal: int) -> None:
    """Send a signal to each; those that have ended meanwhile, or may not be signalled, are passed over."""
    for pid in pids:
        try:
            os.kill(pid, signal)
        except (ProcessLookupError, PermissionError):
            pass


def _ignore(_pid: int, _status: int) -> None:
    pass


def kill_descendants(spare: Collection[int] = (), reaped: Callable[[int, int], None] = _ignore) -> list[int]:
    """Kill every process below this one but ``spare``, and return those that would not die (as a rule none).

    Returns when they have ended. Children of ours are waited for; ``reaped`` is told their wait statuses.
    Needs ``adopt_orphans`` to have been called before the first of them was started. Goes on until a look
    finds nobody, so it also catches what was forked meanwhile.
    """
    until = time.monotonic() + _GIVE_UP
    while True:
        reap(spare, reaped)
        left = [pid for pid in descendants(os.getpid()) if pid not in spare and not _is_for_others(pid)]
        if not left or time.monotonic() > until:
            return left
        signal_all(left, _SIGKILL)
        for pid in left:
            _await_end(pid, until)


def reap(spare: Collection[int] = (), reaped: Callable[[int, int], None] = _ignore) -> None:
    """Wait for the children that have ended, but not for those in ``spare``; does not block."""
    for pid in children(os.getpid()):
        if pid not in spare:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                reaped(pid, status)


def _is_for_others(pid: int) -> bool:
    """Whether it has ended and a spared parent has yet to wait for it."""
    state, parent = _state_and_parent(pid)
    return state == "Z" and parent != os.getpid()


def _await_end(pid: int, until: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(max(0, (until - time.monotonic()) * 1000))
    finally:
        os.close(handle)
