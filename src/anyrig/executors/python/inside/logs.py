"""The log of one test, as its keeper writes it: three files, and live to the agent."""

import os
import re
from collections.abc import Callable
from time import gmtime, strftime, time_ns

from anyrig.core.masking import Mask

_SECOND = 1_000_000_000
_TEXTS = re.compile(rb"(?m)^.{33}(.*\n)")
"""Lines without their stamps."""
_STAMPS = re.compile(rb"(?m)^.{33}")
_LONGEST = 1 << 20
_KEPT = 1000
_FILES = ("combined.log", "stdout.log", "stderr.log")
_NO_SECRETS = Mask()


def stamp(now: int) -> bytes:
    """``2018-10-10T13:13:20.123456+00:00 `` of nanoseconds since the epoch."""
    second, rest = divmod(now, _SECOND)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(second))}.{rest // 1000:06d}+00:00 ".encode()


class Log:
    """Takes what a test writes, in any form, and gives whole stamped lines.

    ``folder`` gets combined.log, stdout.log and stderr.log. ``live`` gets what goes to combined.log. Beyond
    ``limit`` bytes everything is dropped, and one line says so. ``offset``: see ``Channel.attach``. Nothing
    of what ``mask`` hides gets out of here.
    """

    def __init__(
        self, folder: str, limit: int, offset: int, live: Callable[[bytes], None], mask: Mask = _NO_SECRETS
    ) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._combined, *self._streams = [os.open(f"{folder}/{name}", flags, 0o644) for name in _FILES]
        self._left = limit
        self._limit = limit
        self._offset = offset
        self._live = live
        self._mask = mask
        self.written: list[tuple[int, bytes]] = []
        """The first blocks, each with its stream: 0 is stdout, 1 stderr."""
        self._part = b""
        """Of a stamped line that has not come whole yet."""
        self._parts = [b"", b""]
        """Of unstamped lines."""
        self._flushed = [b"", b""]
        """Stamped, but the whole line may still come."""

    def stamped(self, data: bytes) -> None:
        """What came down the pipe that ``streams`` writes to."""
        whole, newline, self._part = (self._part + data).rpartition(b"\n")
        if newline:
            self._lines(whole + newline)

    def _lines(self, data: bytes) -> None:
        """Stamped, whole lines, perhaps with marks."""
        if not data:
            return
        if data[:1] in b"epq" or b"\ne" in data or b"\np" in data or b"\nq" in data:
            for line in data[:-1].split(b"\n"):
                self._marked(line + b"\n")
        else:
            self._flushed[0] = b""
            self._write(0, data)

    def _marked(self, line: bytes) -> None:
        stream = int(line[:1] in b"eq")
        if line[:1] in b"pq":
            self._flushed[stream] = line[1:]
        else:
            self._flushed[stream] = b""
            self._write(stream, line[1:] if stream else line)

    def merged(self, stream: int, data: bytes, now: int, lines: bytes) -> None:
        """As ``unstamped``, and between these lines by the time ``now``, at which ``data`` was there.

        ``now`` is in nanoseconds, of our own clock.
        """
        head = stamp(now + self._offset)
        whole, newline, self._part = (self._part + lines).rpartition(b"\n")
        each = [line + b"\n" for line in whole.split(b"\n")] if newline else []
        early = [line for line in each if line.lstrip(b"epq")[:32] <= head]
        self._lines(b"".join(early))
        self.unstamped(stream, data, head)
        self._lines(b"".join(each[len(early) :]))

    def unstamped(self, stream: int, data: bytes, head: bytes = b"") -> None:
        """What came down a pipe that programs write to as they like; 0 is stdout, 1 stderr."""
        data = self._parts[stream] + data
        whole, newline, rest = data.rpartition(b"\n")
        if len(rest) > _LONGEST:
            whole, newline, rest = self._cut(data)
        self._parts[stream] = rest
        if newline:
            self._stamp(stream, whole, head)

    def _cut(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """End a line that is too long where no secret is cut into two."""
        data = self._mask.data(data)
        end = len(data) - self._mask.ahead
        return data[:end], b"\n", data[end:]

    def _stamp(self, stream: int, lines: bytes, head: bytes = b"") -> None:
        head = head or stamp(time_ns() + self._offset)
        self._write(stream, head + _utf8(lines).replace(b"\n", b"\n" + head) + b"\n")

    def say(self, line: str) -> None:
        """A line of ours, on stderr."""
        self._stamp(1, line.encode())

    def replay(self, lines: list[tuple[int, bytes]], now: int) -> None:
        """What was written while the file was imported, for a test that did not have to import it.

        ``now``: as of ``merged``.
        """
        head = stamp(now + self._offset)
        for stream, data in lines:
            self._write(stream, _STAMPS.sub(head, data))

    def _write(self, stream: int, data: bytes) -> None:
        """Stamped, whole lines."""
        if self._left < 0:
            return
        data = self._mask.stamped(data)
        self._left -= len(data)
        if self._left < 0:
            notice = b"(The log is longer than %d bytes; what follows is dropped.)\n" % self._limit
            data = stamp(time_ns() + self._offset) + notice
        self.written += [(stream, data)] if len(self.written) < _KEPT else []
        os.write(self._combined, data)
        os.write(self._streams[stream], b"".join(_TEXTS.findall(data)))
        self._live(data)

    def end(self) -> None:
        """Nothing more comes: write what is left, end the files."""
        for stream in (0, 1):
            if self._parts[stream]:
                self._stamp(stream, self._parts[stream])
            if self._flushed[stream]:
                self._write(stream, self._flushed[stream])
        for file in (self._combined, *self._streams):
            os.close(file)


def _utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace").encode()
    return data
