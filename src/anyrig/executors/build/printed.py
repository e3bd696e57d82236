"""What an action prints: line by line for the log, and as a whole for its records."""

from anyrig.executors.build.voice import Voice
from anyrig.executors.live_log import LONGEST_LINE

_HEAD = _TAIL = 30_000
"""Bytes."""
_LETTER = 4
"""Bytes of UTF-8 at most."""


class Kept:
    """The beginning and the end of a text in UTF-8."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        self._size += len(data)
        room = _HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]

    def text(self) -> str:
        tail = self._tail[-_TAIL:]
        left = self._size - len(self._head) - len(tail)
        if not left:
            return (self._head + tail).decode()
        head, end = (part.decode("utf-8", "ignore") for part in (self._head, tail))
        return f"{head}\n(… {left} bytes are left out here; the job's log has them …)\n{end}"


class Stream:
    """What comes out at one end of an action; bytes that are no UTF-8 are kept as escapes."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._rest = b""
        self._kept = Kept()
        self.lines = 0
        """How many the log has got."""

    def hear(self, piece: bytes) -> None:
        """Some bytes as they come."""
        whole, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        if newline:
            self._tell(whole + newline)
        longest = LONGEST_LINE + self._voice.mask.ahead
        while len(self._rest) > longest:  # a shorter piece might end within a secret
            rest = self._voice.mask.data(self._rest)
            cut = _cut(rest, LONGEST_LINE)
            self._tell(rest[:cut], b"\n")
            self._rest = rest[cut:]

    def end(self) -> None:
        """No more comes."""
        if self._rest:
            self._tell(self._rest, b"\n")
            self._rest = b""

    def text(self) -> str:
        return self._kept.text()

    def _tell(self, data: bytes, end: bytes = b"") -> None:
        """Whole lines, or a piece of one that the log is to have in a line of its own."""
        text = self._voice.mask.data(data).decode("utf-8", "backslashreplace").encode()
        self._kept.add(text)
        self._voice.log.output(text + end)
        self.lines += (text + end).count(b"\n")


def _cut(data: bytes, size: int) -> int:
    """``size``, or a little less to spare a letter."""
    ends = (
        end for end in range(size, size - _LETTER, -1) if data[end : end + 1] and not _is_inside(data[end])
    )
    return next(ends, size)


def _is_inside(byte: int) -> bool:
    """Whether it is not the first of a letter."""
    return byte >> 6 == 0b10  # noqa: PLR2004 - RFC 3629


class Printed:
    """The two streams of one action."""

    def __init__(self, voice: Voice) -> None:
        self._log = voice.log
        self.output = Stream(voice)
        self.error = Stream(voice)

    def end(self) -> None:
        self.output.end()
        self.error.end()

    def last(self) -> str:
        """The end of both, as it came."""
        lines = self.output.lines + self.error.lines
        return "\n".join(self._log.last().split("\n")[-lines:]) if lines else ""
