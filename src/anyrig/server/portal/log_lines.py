"""The log of a result, line by line, each with where in the recording it was written."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """``seconds`` since the result's start; None for a line that does not say when it was written."""

    seconds: float | None
    text: str


def lines_of(log: str, start: int) -> list[Line]:
    """``start``: when the result began, in microseconds since the epoch."""
    return [_line(text, start / 1e6) for text in log.splitlines()]


def _line(text: str, start: float) -> Line:
    moment, _, rest = text.partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return Line(None, text)
    if at.tzinfo is None:
        return Line(None, text)
    return Line(max(0.0, at.timestamp() - start), rest)
