"""From how a command ended, and what its JUnit files say, to its results. Pure."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anyrig.core.pack_file import Command
from anyrig.core.results import Verdict
from anyrig.executors.base import Outcome
from anyrig.executors.command.gathering import Left
from anyrig.executors.junit_cases import Case
from anyrig.executors.process import Exit

_NOT_FOUND = {126: "a program cannot be executed", 127: "a program was not found"}
"""The exit statuses that a POSIX shell gives (XCU 2.8.2)."""
COMBINED_LOG = "combined.log"
"""The artifact with all that the command has printed."""
Judgement = tuple[Verdict, str | None]
"""Verdict and reason of the command itself."""


def judged(
    command: Command, ended: Exit, cases: Sequence[Case], broken: Sequence[str], stop_reason: str
) -> Judgement | None:
    """The result of the command itself; None when its test cases tell all.

    ``broken`` says of each JUnit file that cannot be read why.
    """
    if cut_short := _cut_short(command, ended, stop_reason):
        return Verdict.ERROR, cut_short
    if broken:
        return Verdict.ERROR, " ".join(broken)
    if not cases:
        return _by_status(command, ended)
    if ended.status and all(case.verdict is Verdict.PASS for case in cases):
        return Verdict.ERROR, f"The command {_ending(ended)} although no case failed."
    return None


def outcomes(
    name: str, left: Left, own: Judgement | None, log: Path, last: str, seconds: float
) -> list[tuple[str, Outcome]]:
    """One result a test case, named ``name::case``, then the command's own if it has one.

    The first carries all files that the command has left; each of the others that did not pass carries its
    log. ``last`` is the end of that log, ``seconds`` is how long the command took.
    """
    results = [(f"{name}::{case.name}", _outcome(case, files)) for case, files in left.cases]
    if own:
        trace = None if own[0] is Verdict.PASS else last or None
        results.append((name, Outcome(*own, trace, seconds=seconds if results else None)))
    shared = {**left.files, COMBINED_LOG: log}
    return [
        (test, replace(outcome, files={**outcome.files, **_shared(number, outcome, shared)}))
        for number, (test, outcome) in enumerate(results)
    ]


def _outcome(case: Case, files: dict[str, Path]) -> Outcome:
    return Outcome(case.verdict, case.reason, case.traceback, files, case.seconds or 0.0)


def _shared(number: int, outcome: Outcome, shared: dict[str, Path]) -> dict[str, Path]:
    if not number:
        return shared
    return {} if outcome.verdict is Verdict.PASS else {COMBINED_LOG: shared[COMBINED_LOG]}


def _cut_short(command: Command, ended: Exit, stop_reason: str) -> str:
    if ended.stopped:
        return stop_reason
    if ended.timed_out:
        return f"The command was stopped: it took longer than its timeout of {command.timeout:g} s."
    if ended.status is None:
        return f"The command could not be started: {ended.trouble}."
    return ""


def _by_status(command: Command, ended: Exit) -> Judgement:
    """The verdict when no test case is known."""
    status = ended.status or 0
    missing = (
        f"no JUnit file that it wrote has a test case ({', '.join(command.junit)})" if command.junit else ""
    )
    if status in _NOT_FOUND:
        return Verdict.ERROR, f"exit status {status}: {_NOT_FOUND[status]}"
    if status:
        return Verdict.FAIL, "; ".join(filter(None, (_status(status), missing)))
    if missing:
        return Verdict.ERROR, f"The command {_ending(ended)}, but {missing}."
    return Verdict.PASS, None


def _ending(ended: Exit) -> str:
    status = ended.status or 0
    return f"exited with status {status}" if status >= 0 else f"was {_status(status)}"


def _status(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status} ({_signal(-status)})"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "without a name"
