"""What a command prints, line by line, as it comes."""

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from anyrig.core.masking import Mask
from anyrig.executors.base import Reporter

LONGEST_LINE = 16 * 1024
"""Bytes; a longer line is broken into several."""
LONGEST_LOG = 100 * 1024 * 1024
"""Bytes, times included; what is printed beyond is dropped."""
_NO_SECRETS = Mask()
_LAST_LINES = 40
_LAST = 8_000


class LiveLog:
    """Cuts output into lines, gives each its time, and writes it to a file and to the task's log.

    Nothing of what ``mask`` hides gets out of here.
    """

    def __init__(
        self, file: Path, reporter: Reporter, room: int = LONGEST_LOG, mask: Mask = _NO_SECRETS
    ) -> None:
        self.file = file
        self._out = file.open("wb")
        self._reporter = reporter
        self._rest = b""
        self._mask = mask
        self._limit = self._room = room
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()

    def output(self, piece: bytes) -> None:
        """Some bytes that the command has printed."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        lines = [self._mask.data(line) for line in lines]
        while len(self._rest) > LONGEST_LINE + self._mask.ahead:  # else the cut might go through a secret
            rest = self._mask.data(self._rest)
            lines.append(rest[:LONGEST_LINE])
            self._rest = rest[LONGEST_LINE:]
        texts = [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]
        self._last.extend(texts)
        if self._room > 0:
            self._room -= self._write(texts)
            if self._room <= 0:
                self.note(f"(What is printed beyond {self._limit} bytes is dropped.)")

    def end(self) -> None:
        """The command prints no more: its last line may lack the newline."""
        if self._rest:
            self.output(b"\n")

    def note(self, text: str) -> None:
        """A line of our own."""
        self._write([self._mask.text(text)])

    def last(self) -> str:
        """The end of what the command has printed."""
        return "\n".join(self._last)[-_LAST:]

    def _write(self, lines: list[str]) -> int:
        now = _stamp(self._reporter.now())
        stamped = "".join(f"{now} {line}\n" for line in lines).encode("utf-8", "replace")
        if stamped:
            self._out.write(stamped)
            self._reporter.log(stamped)
        return len(stamped)


def _stamp(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{rest:06}+00:00")
