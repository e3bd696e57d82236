"""What a build says while it runs, and afterwards: log records of named channels.

The levels and the messages are those of Sloth CI, whose clients read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from anyrig.core.results import Verdict


class Level(IntEnum):
    """Of Python's ``logging``."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


class Channel(StrEnum):
    """What a record is about."""

    TEST = "test"
    """The test itself: it was created, somebody asked for a run."""
    ACTIONS = "actions"
    """One action of a run, and what it printed."""
    RUN = "run"
    """A run as a whole: it was asked for, it has ended."""


LOGGERS = {Channel.TEST: "", Channel.ACTIONS: ".exec", Channel.RUN: ".build"}
"""What stands behind the listen point in the names that Sloth CI's clients know the channels by."""


@dataclass(frozen=True, slots=True)
class Record:
    """One log record; ``at`` in microseconds since the epoch, UTC."""

    at: int
    channel: Channel
    level: Level
    message: str


class Ended(StrEnum):
    """How an action ended."""

    DONE = "done"
    FAILED = "failed"
    """It has run, and says that it failed."""
    BROKEN = "broken"
    """It could not be run, or not to its end."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The end of a run: what is said of it, and its verdict."""

    level: Level
    message: str
    verdict: Verdict


BUILD_FAILED = "Build failed"


def triggered(actions: int) -> str:
    """``actions``: how many the run has."""
    return f"Triggered, actions in queue: {actions}"


def run_end(actions: int, ended: Sequence[Ended], *, cut_short: bool) -> RunEnd:
    """``cut_short``: an action that matters failed, and what came after it was not run.

    A run in which every failed action could not be run is an error: it does not tell about the product.
    """
    done = sum(each is Ended.DONE for each in ended)
    if done == actions and not cut_short:
        return RunEnd(Level.INFO, f"Completed {done}/{actions}", Verdict.PASS)
    verdict = Verdict.FAIL if Ended.FAILED in ended else Verdict.ERROR
    if cut_short:
        return RunEnd(Level.ERROR, BUILD_FAILED, verdict)
    word = f"Partially completed: {done}" if done else "None completed: 0"
    return RunEnd(Level.WARNING, f"{word}/{actions}", verdict)
