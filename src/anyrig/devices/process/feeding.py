"""Pictures on their way to the ffmpeg that records them."""

import os
import queue
import select
import threading
from contextlib import suppress

from anyrig.devices.process.matroska import before_picture, head
from anyrig.devices.process.ring import Frame, Ring

_LOOK = 0.2
"""Seconds between two looks whether to stop."""


class Feed:
    """Offered pictures by the event loop, and written by a thread. Each is held until it is written."""

    def __init__(self, ring: Ring, fd: int) -> None:
        self._ring = ring
        self._fd = fd
        self._frames: queue.SimpleQueue[tuple[int, Frame] | None] = queue.SimpleQueue()
        self._most = ring.slots // 4 - 2
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        os.set_blocking(fd, False)

    @property
    def full(self) -> bool:
        """As many pictures wait as may: ffmpeg does not keep up."""
        return self._frames.qsize() >= self._most

    def add(self, tick: int, frame: Frame) -> None:
        """A picture that somebody holds, to be seen from ``tick`` on."""
        self._ring.hold_again(frame.slot)
        self._frames.put((tick, frame))

    def end(self) -> None:
        """No more pictures come."""
        self._frames.put(None)

    def write(self, stop: threading.Event) -> None:
        """Until the end, or until ffmpeg does not read any more."""
        with suppress(BrokenPipeError):
            self._write(memoryview(head(self._ring.width, self._ring.height, self._ring.fps)), stop)
            while (item := self._frames.get()) is not None and not stop.is_set():
                self._one(*item, stop)
        self._let_go()

    def _one(self, tick: int, frame: Frame, stop: threading.Event) -> None:
        try:
            self._write(memoryview(before_picture(tick, self._ring.width, self._ring.height)), stop)
            self._write(self._ring.pixels(frame.slot).reshape(-1).data, stop)
        finally:
            self._ring.let_go(frame.slot)

    def _write(self, data: memoryview, stop: threading.Event) -> None:
        while data and not stop.is_set():
            if self._poll.poll(_LOOK * 1000):
                data = data[os.write(self._fd, data) :]

    def _let_go(self) -> None:
        """Of what will not be written."""
        with suppress(queue.Empty):
            while True:
                item = self._frames.get_nowait()
                if item is not None:
                    self._ring.let_go(item[1].slot)
