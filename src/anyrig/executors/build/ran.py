"""How an action went, and what every place has where actions run."""

import errno
import os
from dataclasses import dataclass
from typing import Protocol

from anyrig.core.build_records import Ended
from anyrig.core.placeholders import CommandLine
from anyrig.executors.build.printed import Printed
from anyrig.executors.process import Exit

_NOT_RUN = {126, 127}
"""The exit codes that a POSIX shell gives when a program cannot be executed, or is not there (XCU 2.8.2)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How an action went."""

    why: str = ""
    """What is wrong, such as ``Exit code: 2``; empty when it is done."""
    ended: Ended = Ended.DONE
    started: bool = True
    timed_out: bool = False
    stopped: bool = False


class Place(Protocol):
    """Where actions run."""

    async def act(self, line: CommandLine, printed: Printed) -> Ran:
        """Run one action to its end; on return nothing of it is left that was not to be."""


def by_code(code: int) -> Ran:
    """From an exit code, negative for the signal that ended the shell."""
    if not code:
        return Ran()
    return Ran(f"Exit code: {code}", Ended.BROKEN if code in _NOT_RUN else Ended.FAILED)


def not_run(why: str) -> Ran:
    return Ran(why, Ended.BROKEN, started=False)


def timed_out(line: CommandLine, seconds: float | None) -> Ran:
    """In the words of Python's ``subprocess``."""
    limit = int(seconds) if seconds and seconds.is_integer() else seconds
    return Ran(f"Command '{line.shown}' timed out after {limit} seconds", Ended.BROKEN, timed_out=True)


def stopped(reason: str) -> Ran:
    return Ran(reason, Ended.BROKEN, stopped=True)


def by_exit(ended: Exit, line: CommandLine, seconds: float | None, reason: str) -> Ran:
    """From how a program ended that could take ``seconds``; ``reason``: that of the stop."""
    if ended.stopped:
        return stopped(reason)
    if ended.timed_out:
        return timed_out(line, seconds)
    return not_run(_words(ended.trouble)) if ended.status is None else by_code(ended.status)


def _words(trouble: str) -> str:
    """``No such file or directory: /p`` as Python has it."""
    text, colon, name = trouble.partition(": ")
    number = next((number for number in errno.errorcode if os.strerror(number) == text), None)
    return f"[Errno {number}] {text}: {name!r}" if colon and number else trouble
