"""The reading ends of a test's pipes."""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import time_ns

from anyrig.executors.python.inside.logs import Log
from anyrig.executors.python.inside.watch import Watch

_READ = 1 << 20
_GATHER = 0.002
"""Seconds for which lines are left in the pipe, so that a test that prints much does not wake us for each."""
_VERDICT = 1 << 20


class Intake:
    """Takes lines, output of programs, and the verdict.

    ``ends``: the writing ends, for the test; in the order of ``Pipes``.
    """

    def __init__(self, watch: Watch, log: Log) -> None:
        self.verdict = b""
        self._watch = watch
        self._log = log
        pairs = [os.pipe() for _ in range(4)]
        self.ends = [writing for _, writing in pairs]
        self._lines, out, err, verdict = self._readings = [reading for reading, _ in pairs]
        self._takers: dict[int, Callable[[], bytes | None]] = {
            out: partial(self._take_output, out, 0),
            err: partial(self._take_output, err, 1),
            verdict: partial(self._take_verdict, verdict),
            self._lines: self._take_lines,
        }
        with suppress(OSError):  # the user's pipes may have used up what the kernel grants
            fcntl.fcntl(self._lines, fcntl.F_SETPIPE_SZ, _READ)
        for reading in self._readings:
            os.set_blocking(reading, False)
            self._watch.on(reading, partial(self._hear, reading))

    def _hear(self, fd: int) -> None:
        taken = self._takers[fd]()
        if taken == b"":
            self._watch.off(fd)
        elif fd == self._lines:
            self._watch.off(fd)
            self._watch.after(_GATHER, self._resume)

    def _resume(self) -> None:
        self._watch.on(self._lines, partial(self._hear, self._lines))

    def _take_lines(self) -> bytes | None:
        data = _read(self._lines)
        self._log.stamped(data or b"")
        return data

    def _take_output(self, fd: int, stream: int) -> bytes | None:
        """Lines that are still in their pipe may have been written before; their stamps tell."""
        now = time_ns()
        if data := _read(fd):
            self._log.merged(stream, data, now, _read(self._lines) or b"")
        return data

    def _take_verdict(self, fd: int) -> bytes | None:
        data = _read(fd)
        self.verdict = (self.verdict + (data or b""))[:_VERDICT]
        return data

    def sweep(self) -> None:
        """Take all that is there now."""
        for take in self._takers.values():
            while take():
                pass

    def release(self) -> None:
        """Close the writing ends: whoever needs them has copies."""
        for end in self.ends:
            os.close(end)
        self.ends = []

    def close(self) -> None:
        """Take what is left, and the end."""
        self.release()
        self.sweep()
        for reading in self._readings:
            self._watch.off(reading)
            os.close(reading)


def _read(fd: int) -> bytes | None:
    """What is there, or None; no bytes at the end.

    Nothing may be there although a look at all pipes has just said so: lines are also taken with the output.
    """
    try:
        return os.read(fd, _READ)
    except BlockingIOError:
        return None
