"""One task as its agent remembers it: a journal's entries, and what is left to do after a restart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from anyrig.core.messages import Artifact, CaseFinished, CaseStarted, Event, Noted, TaskFinished, TaskSpec
from anyrig.core.results import Verdict

RESTARTED = "The agent was restarted."
SHUT_DOWN = "The agent was shut down."
_REASON_LIMIT = 4_000
_TRACEBACK_LIMIT = 24_000


@dataclass(frozen=True, slots=True)
class Opened:
    """The first entry: the task was accepted."""

    spec: TaskSpec
    attempt: int


@dataclass(frozen=True, slots=True)
class Started:
    """A test has started."""

    seq: int
    test: str
    at: int
    log_offset: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A test has ended; its files are not uploaded yet."""

    seq: int
    test: str
    start: int
    end: int
    verdict: Verdict
    reason: str | None
    traceback: str | None
    files: tuple[tuple[str, str], ...]
    """(artifact name, path within the journal's folder) pairs."""


@dataclass(frozen=True, slots=True)
class Ended:
    """No process of the task is left."""

    results: int
    stopped: bool
    lost: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The first ``count`` entries behind Opened, this kind left out, have reached the server's bus."""

    count: int


Entry = Started | Finished | Ended | Noted
Line = Entry | Delivered


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a journal says after a restart."""

    undelivered: tuple[Entry, ...]
    results: int
    """How many results the task has had."""
    ended: bool
    delivered: int


def recover(done: int, lines: Sequence[Line]) -> Recovery:
    """Read a journal again; ``done`` is the spec's: results of earlier attempts."""
    entries = [line for line in lines if not isinstance(line, Delivered)]
    delivered = max((line.count for line in lines if isinstance(line, Delivered)), default=0)
    results = done + sum(isinstance(entry, Finished) for entry in entries)
    ended = any(isinstance(entry, Ended) for entry in entries)
    return Recovery(tuple(entries[delivered:]), results, ended, delivered)


def clipped(text: str | None, limit: int) -> str | None:
    """At most ``limit`` characters, the middle left out: both ends tell most."""
    if text is None or len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def event_of(entry: Entry, uploaded: tuple[Artifact, ...]) -> Event:
    """What to tell the server, once the entry's files (for Ended: the task's log) are uploaded."""
    match entry:
        case Started(seq, test, at, log_offset):
            return CaseStarted(seq=seq, test=test, at=at, log_offset=log_offset)
        case Finished():
            return CaseFinished(
                seq=entry.seq,
                test=entry.test,
                start=entry.start,
                end=entry.end,
                verdict=entry.verdict,
                reason=clipped(entry.reason, _REASON_LIMIT),
                traceback=clipped(entry.traceback, _TRACEBACK_LIMIT),
                artifacts=uploaded,
            )
        case Noted():
            return entry
        case Ended(results, stopped, lost):
            log = uploaded[0] if uploaded else None
            return TaskFinished(results=results, stopped=stopped, lost=lost, log=log)
