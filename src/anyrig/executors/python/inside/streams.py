"""``sys.stdout`` and ``sys.stderr`` of a test: every line is stamped with the time at which it was written.

A line is one ``write`` to a pipe that the keeper reads: ``2018-10-10T13:13:20.123456+00:00 text``. A line of
standard error has ``e`` in front. ``flush`` after part of a line sends the part with ``p`` or ``q`` (of
standard error) in front, which the whole line later replaces, so that nothing is lost when the process dies.
"""

import codecs
import fcntl
import io
import os
import sys
import termios
import threading
from time import gmtime, sleep, strftime, time_ns  # by name: tests may replace those of the module
from typing import Any

_SECOND = 1_000_000_000
_PAUSE = 300_000
"""Nanoseconds without a line after which other programs may have written meanwhile."""
_LONGEST = 1 << 20
"""A line is cut into pieces of this many characters."""
_PART = 4000
"""Longer parts of a line are not sent before the line is whole."""


class Channel:
    """The pipe on which both streams send their lines, in the order in which they were written."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._fd = -1
        self._pipes: tuple[int, ...] = ()
        self._offset = 0
        self._second = -1
        self._stamp = ""
        self._last = 0
        os.register_at_fork(after_in_child=self._forked)

    def attach(self, fd: int, pipes: tuple[int, ...], offset: int) -> None:
        """Send lines to ``fd``; ``pipes`` are what file descriptors 1 and 2 write to.

        ``offset``: nanoseconds by which the server's clock is ahead of ours.
        """
        self._fd, self._pipes, self._offset, self._second = fd, pipes, offset, -1

    def send(self, mark: str, lines: list[str]) -> None:
        """Stamp the lines and write them at once."""
        with self._lock:
            now = time_ns() + self._offset
            if now - self._last > _PAUSE:
                self._let_others_go_first()
                now = time_ns() + self._offset
            self._last = now
            second, rest = divmod(now, _SECOND)
            if second != self._second:
                self._second, self._stamp = second, strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second))
            head = f"{mark}{self._stamp}{rest // 1000:06d}+00:00 "
            self._write(f"{head}{f'{chr(10)}{head}'.join(lines)}\n".encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes) -> None:
        """Write it all; when the test has closed our pipe, its log is the poorer for it and no more."""
        try:
            while (written := os.write(self._fd, data)) < len(data):
                data = data[written:]
        except OSError:
            pass

    def _let_others_go_first(self) -> None:
        """Wait until the keeper has read, and so stamped, what others have written before this line.

        A pipe does not tell when it becomes empty, hence the short sleeps; it takes 0.2 s at most.
        """
        for _ in range(400):
            if not any(map(_unread, self._pipes)):
                return
            sleep(0.0005)

    def _forked(self) -> None:
        self._lock = threading.RLock()  # another thread may have held it


def _unread(pipe: int) -> int:
    try:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


class Stamped(io.TextIOBase):
    """One of the two streams: quick for print(), and with what else a test may ask of a text stream."""

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True
    write_through = True

    def __init__(self, channel: Channel, fileno: int, name: str) -> None:
        super().__init__()
        self.buffer = Unstamped(self, fileno)
        self.name = name
        self.mode = "w"
        self._channel = channel
        self._fileno = fileno
        self._mark, self._part_mark = ("", "p") if fileno == 1 else ("e", "q")
        self._part = ""

    def write(self, text: str) -> int:
        if text == "\n":
            line, self._part = self._part, ""
            self._channel.send(self._mark, [line])
        elif "\n" in text or len(text) + len(self._part) > _LONGEST:
            *lines, self._part = _pieces(self._part + text)
            self._channel.send(self._mark, lines)
        else:
            self._part += text
        return len(text)

    def flush(self) -> None:
        if self._part and len(self._part) < _PART:
            self._channel.send(self._part_mark, [self._part])

    def end(self) -> None:
        """Send what is left of a line that was not ended."""
        if self._part:
            self.write("\n")

    def fileno(self) -> int:
        return self._fileno

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def reconfigure(self, **_changes: object) -> None:
        """As of io.TextIOWrapper. There is nothing to change: every line is written at once, as UTF-8."""


class Console:
    """Both streams of a process and of those forked from it."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.out = Stamped(self.channel, 1, "<stdout>")
        self.err = Stamped(self.channel, 2, "<stderr>")

    def end(self) -> None:
        self.out.end()
        self.err.end()


def _pieces(text: str) -> list[str]:
    """The lines of a text, long ones cut; the last piece is not ended yet."""
    lines = text.split("\n")
    if len(text) <= _LONGEST:
        return lines
    return [line[at : at + _LONGEST] for line in lines for at in range(0, max(1, len(line)), _LONGEST)]


class Unstamped(io.RawIOBase):
    """``sys.stdout.buffer``: bytes go the way of the text, what is not UTF-8 is escaped."""

    def __init__(self, text: Stamped, fileno: int) -> None:
        super().__init__()
        self._text = text
        self._fileno = fileno
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: Any) -> int:
        """Any object that has bytes."""
        view = memoryview(data)
        self._text.write(self._decoder.decode(view.tobytes()))
        return view.nbytes

    def flush(self) -> None:
        self._text.flush()

    def fileno(self) -> int:
        return self._fileno

    def writable(self) -> bool:
        return True
