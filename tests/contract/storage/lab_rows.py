"""Short ways to a job in a database, by the engine's own transactions."""

from types import SimpleNamespace
from typing import Any

from anyrig.core.messages import (
    AcceptRequest,
    Artifact,
    CaseFinished,
    Event,
    EventBatch,
    NodeOffer,
    Presence,
    TaskFinished,
)
from anyrig.core.records import Job
from anyrig.core.results import Verdict
from anyrig.engine import accept, ingest, submit
from anyrig.storage import Connection
from anyrig.storage.sql import access, nodes

LAB: Any = SimpleNamespace(series=1)
"""All that a submission's transaction asks of a lab."""
NOW = 1_700_000_000_000_000


def add_nodes(connection: Connection, *names: str, now: int = NOW) -> None:
    access.put_agent(connection, "lab", b"secret", "ada", now)
    nodes.enrol(connection, "lab", [NodeOffer(name, ("python",)) for name in names], now)
    for name in names:
        nodes.seen(connection, name, Presence("boot", "1", "lab", "10.0.0.1"), now)


def submitted(connection: Connection, now: int = NOW, **fields: Any) -> Job:
    values: dict[str, Any] = {
        "project": "tv",
        "kind": "python",
        "tests": ("tests/a.py::test_a",),
        "sha": "ab" * 20,
    }
    wanted = submit.Submission(**values | fields)
    return submit._insert(connection, LAB, "ada", wanted, now)[0]


def accepted(connection: Connection, task: int, node: str, boot: str = "boot", now: int = NOW) -> int:
    """The attempt, or 0 when it is refused."""
    return accept._accept(connection, AcceptRequest(task, node, boot), now)[0].attempt


def finished(seq: int = 0, test: str = "tests/a.py::test_a", **fields: Any) -> CaseFinished:
    values: dict[str, Any] = {
        "start": NOW,
        "end": NOW + 1_500_000,
        "verdict": Verdict.PASS,
        "reason": None,
        "traceback": None,
    }
    return CaseFinished(seq=seq, test=test, **values | fields)


def ingested(
    connection: Connection, task: int, node: str, *events: Event, attempt: int = 1, now: int = NOW
) -> ingest.Consequences:
    return ingest._ingest(connection, EventBatch(task, attempt, node, events), now)


def the_end(results: int = 1) -> TaskFinished:
    return TaskFinished(results=results, log=Artifact("task.log", 3, "m" * 32, "s" * 64))
