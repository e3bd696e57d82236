"""Secrets are replaced in what people read.

Also runs inside a pack's environment, so it needs nothing but Python.
"""

import re
from collections.abc import Iterable

SHORTEST = 4
"""Characters. What is shorter would be found in half of all words."""
STARS = "********"
_STAMPED = re.compile(rb"(?m)^(.{33})(.*)$")
"""A log line with its time."""


class Mask:
    """Replaces every line of the secrets that has at least four characters. Costs nothing without any."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        lines = {line.strip().encode() for value in secrets for line in value.splitlines()}
        hidden = sorted((line for line in lines if len(line.decode()) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, hidden))) if hidden else None
        self.ahead = len(hidden[0]) - 1 if hidden else 0
        """So many bytes at an end may be the beginning of a secret."""

    def data(self, data: bytes) -> bytes:
        """UTF-8 with the secrets replaced."""
        return self._pattern.sub(STARS.encode(), data) if self._pattern else data

    def text(self, text: str) -> str:
        """The same with text."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def stamped(self, lines: bytes) -> bytes:
        """The same with whole log lines, each behind its time, which stays as it is."""
        if self._pattern is None or not self._pattern.search(lines):
            return lines
        return _STAMPED.sub(lambda line: line[1] + self.data(line[2]), lines)
