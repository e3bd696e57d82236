"""How far somebody who follows a job has been told, as a text to come back with; and logs cut into lines."""

import re
from dataclasses import dataclass

LONGEST_LINE = 65_536
"""Bytes of a line that are held back at most until its end comes."""
_TASK = re.compile(r"(\d{1,9})\.(\d{1,18})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TaskTold:
    """What of one task was told: its log up to byte ``offset`` of an attempt, and so many of its results."""

    attempt: int = 0
    offset: int = 0
    results: int = 0


Told = tuple[TaskTold, ...]
"""One for each task of the job, by position; a task that is missing was not told of."""


def told_text(told: Told) -> str:
    """``attempt.offset.results`` for each task, with commas between: an id for server-sent events."""
    return ",".join(f"{task.attempt}.{task.offset}.{task.results}" for task in told)


def told_from(text: str) -> Told:
    """What ``told_text`` made; anything else is somebody who was told nothing."""
    found = [_TASK.fullmatch(part) for part in text.split(",")]
    return tuple(TaskTold(*map(int, match.groups())) for match in found if match) if all(found) else ()


def told_of(told: Told, position: int) -> TaskTold:
    return told[position] if position < len(told) else TaskTold()


def with_task(told: Told, position: int, task: TaskTold) -> Told:
    """``told`` with what was told of the task at ``position`` replaced."""
    longer = told + (TaskTold(),) * (position + 1 - len(told))
    return (*longer[:position], task, *longer[position + 1 :])


@dataclass(frozen=True, slots=True)
class Reading:
    """A log that is being read: all before byte ``at`` was told, ``rest`` is the beginning of a line."""

    at: int = 0
    rest: bytes = b""

    @property
    def end(self) -> int:
        return self.at + len(self.rest)


def fed(reading: Reading, offset: int, data: bytes) -> tuple[Reading, bytes]:
    """The reading after a chunk that begins at byte ``offset``, and the whole lines to tell now.

    They end at the new ``at``. What is known already is passed over; behind a gap it goes on with the chunk.
    """
    if offset > reading.end:
        reading = Reading(offset)
    whole, newline, rest = (reading.rest + data[reading.end - offset :]).rpartition(b"\n")
    lines = whole + newline
    if len(rest) > LONGEST_LINE:
        lines, rest = lines + rest, b""
    return Reading(reading.at + len(lines), rest), lines
