"""The shared memory in which a device's pictures are, and who may look at which.

One memfd holds a number of slots, each a picture. The newest picture and those that somebody holds are never
overwritten; of the others the oldest is, so that a reader without a lease has the longest time for its copy.
"""

import ctypes
import fcntl
import mmap
import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anyrig.core.devices import CHANNELS
from anyrig.core.errors import Invalid
from anyrig.devices.base import Pixels

SLOTS = 16
FEWEST_SLOTS = 12
"""Half are leased, a quarter is being recorded; one is encoded, one is the newest, one is being written."""
_FPS_OVER = 2.0
"""Seconds over which frames are counted."""
_SEAL_FUTURE_WRITE = 0x10
"""linux/fcntl.h; since Linux 5.1. Who gets the descriptor can only read."""

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]


def equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two contiguous arrays of the same size have the same bytes; ten times as fast as numpy's."""
    return not _memcmp(one.ctypes.data, other.ctypes.data, one.nbytes)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture at a time; many frames may show one picture."""

    seq: int
    time: float
    """Seconds since the epoch."""
    slot: int
    picture: int
    """Counts the pictures that differed from the one before."""


class Ring:
    """A Canvas, whose frames go to many readers."""

    def __init__(self, width: int, height: int, fps: float, slots: int = SLOTS) -> None:
        if slots < FEWEST_SLOTS:
            raise Invalid(reason=f"a device needs {FEWEST_SLOTS} slots or more, not {slots}")
        self.width, self.height, self.fps, self.slots = width, height, fps, slots
        self.on_frame: Callable[[], None] = _nothing
        """Called from the thread that shows a frame."""
        size = width * height * CHANNELS
        self.fd = _memory(slots * size)
        memory = mmap.mmap(self.fd, slots * size)
        _seal(self.fd)
        self._slots = [
            np.frombuffer(memory, np.uint8, size, slot * size).reshape(height, width, CHANNELS)
            for slot in range(slots)
        ]
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._seq = self._picture = 0
        self._first: list[int | None] = [None] * slots
        """The seq from which on a slot has its picture; None: it has none, or is being written."""
        self._last = [0] * slots
        self._held: Counter[int] = Counter()
        self._leased: Counter[int] = Counter()
        self._writing: int | None = None
        self._times: deque[float] = deque(maxlen=int(fps * _FPS_OVER * 2) + 1)

    def close(self) -> None:
        """Take the name away; the memory goes when the last reader has let go of it."""
        os.close(self.fd)

    # what the one who takes the pictures calls

    def blank(self) -> Pixels:
        with self._lock:
            if self._writing is None:
                self._writing = self._oldest()
                self._first[self._writing] = None
            return self._slots[self._writing]

    def show(self, at: float) -> None:
        with self._lock:
            slot, newest = self._writing, self._newest
        if slot is None:
            raise ValueError("nothing was written: blank() comes before show()")
        if newest is not None and equal(self._slots[slot], self._slots[newest.slot]):
            self.same(at)
            return
        with self._lock:
            self._writing = None
            self._picture += 1
            self._first[slot] = self._seq + 1
            self._add(at, slot)
        self.on_frame()

    def same(self, at: float) -> None:
        with self._lock:
            if self._newest is None:
                return
            self._add(at, self._newest.slot)
        self.on_frame()

    # what the one who opens and watches the device calls

    def forget(self) -> None:
        """There is no newest frame any more: nobody may take an old picture for what is there now."""
        with self._lock:
            self._newest = None
            self._times.clear()

    def frames_per_second(self, now: float) -> float:
        """Over the last seconds."""
        with self._lock:
            return sum(1 for time in self._times if now - time <= _FPS_OVER) / _FPS_OVER

    # what readers call

    @property
    def newest(self) -> Frame | None:
        return self._newest

    def pixels(self, slot: int) -> Pixels:
        return self._slots[slot]

    def hold(self) -> Frame | None:
        """The newest frame, whose picture stays until ``let_go``. For the few readers of this process."""
        with self._lock:
            if self._newest is not None:
                self._held[self._newest.slot] += 1
            return self._newest

    def hold_again(self, slot: int) -> None:
        """For one more of those that hold it already."""
        with self._lock:
            self._held[slot] += 1

    def let_go(self, slot: int) -> None:
        with self._lock:
            self._held[slot] -= 1

    def lease(self, frame: Frame) -> bool:
        """Whether the frame's picture stays until ``release``: at most half of the slots are given away."""
        with self._lock:
            given = sum(1 for count in self._leased.values() if count > 0)
            fits = self._leased[frame.slot] > 0 or given < self.slots // 2
            if not fits or not self._has(frame.slot, frame.seq):
                return False
            self._leased[frame.slot] += 1
            return True

    def release(self, slot: int, count: int = 1) -> None:
        with self._lock:
            self._leased[slot] -= count

    def holds(self, slot: int, seq: int) -> bool:
        """Whether the slot still has the picture of frame ``seq``, whole."""
        with self._lock:
            return 0 <= slot < self.slots and self._has(slot, seq)

    def _has(self, slot: int, seq: int) -> bool:
        first = self._first[slot]
        return first is not None and first <= seq <= self._last[slot]

    def _add(self, at: float, slot: int) -> None:
        self._seq += 1
        self._last[slot] = self._seq
        self._newest = Frame(self._seq, at, slot, self._picture)
        self._times.append(at)

    def _oldest(self) -> int:
        newest = self._newest.slot if self._newest else None
        free = (
            slot
            for slot in range(self.slots)
            if slot != newest and not self._held[slot] and not self._leased[slot]
        )
        return min(free, key=self._last.__getitem__)


def _nothing() -> None:
    pass


def _memory(size: int) -> int:
    fd = os.memfd_create("anyrig-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    return fd


def _seal(fd: int) -> None:
    """No reader may change the size, which would kill us, nor the pictures."""
    seals = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | _SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL)
    except OSError:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | fcntl.F_SEAL_SEAL)
