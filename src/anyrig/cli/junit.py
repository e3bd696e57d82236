"""Writes a job's results, as the API shows them, to a JUnit file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from anyrig.cli.client import Client
from anyrig.core.results import Verdict
from anyrig.server.junit import write_junit

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Case:
    test: str
    verdict: Verdict
    reason: str | None
    traceback: str | None
    start: int
    end: int


def write_file(client: Client, results: list[Json], file: Path) -> None:
    """The results, with the tracebacks of those that did not pass. Raises OSError."""
    data = write_junit([_case(client, result) for result in results], include_tz=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _case(client: Client, result: Json) -> _Case:
    verdict = Verdict(result["verdict"])
    more = {} if verdict is Verdict.PASS else client.get(f"/results{result['result_id']}")
    start, end = (_microseconds(result[name]) for name in ("start", "end"))
    return _Case(result["test"], verdict, result["reason"], more.get("traceback"), start, end)


def _microseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)
