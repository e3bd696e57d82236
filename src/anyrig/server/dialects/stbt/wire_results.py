"""Results in the words of stb-tester, as JSON, CSV and JUnit XML."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anyrig.core.filters import NEWEST_FIRST, Sort, parse_sort
from anyrig.core.messages import Artifact
from anyrig.core.records import Result, ResultDetail
from anyrig.core.results import Verdict
from anyrig.server.dialects.stbt.wire import Json, moment
from anyrig.server.junit import write_junit

LIMIT = 2000
"""Results in one answer, at most."""
COLUMNS = (
    "result_id",
    "job_uid",
    "start_time",
    "end_time",
    "duration",
    "test_case",
    "result",
    "failure_reason",
    "test_pack_sha",
    "test_pack_branch",
    "job_category",
    "username",
    "node_id",
    "tags",
    "result_url",
    "triage_url",
)
"""Of the CSV: the names of the JSON; ``duration`` is in seconds, ``tags`` are ``name=value; name=value``."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the lists of results take."""

    filter: str
    sort: Sort
    tz: str


def query(params: Mapping[str, str]) -> Query:
    """Parameters that are not known are ignored, empty ones count as missing.

    Raises:
        BadField: ``sort`` is not an order.
    """
    sort = params.get("sort")
    return Query(
        filter=params.get("filter", ""),
        sort=parse_sort(sort) if sort else NEWEST_FIRST,
        tz=params.get("tz") or "UTC",
    )


def result_json(result: Result, base: str) -> Json:
    """A result as lists show it."""
    return {
        "result_id": result.result_id,
        "job_uid": result.job_uid,
        "result_url": f"{base}/api/v2/results{result.result_id}",
        "triage_url": f"{base}/app/#/result/{result.result_id}",
        "start_time": moment(result.start),
        "end_time": moment(result.end),
        "test_pack_sha": result.sha,
        "test_case": result.testcase,
        "result": result.verdict.value,
        "failure_reason": _unless_passed(result, result.failure_reason),
    }


def detail_json(detail: ResultDetail, base: str) -> Json:
    """A result with everything it left."""
    result = detail.result
    return {
        **result_json(result, base),
        "test_pack_branch": result.branch,
        "username": result.user,
        "job_category": result.category,
        "traceback": _unless_passed(result, detail.traceback),
        "artifacts": artifacts_json(detail.artifacts),
        "tags": {name: value or "" for name, value in result.tags.items()},
    }


def artifacts_json(artifacts: Iterable[Artifact]) -> Json:
    """By name. ``stbt_rig`` needs the MD5, which the document does not have, and the size as a number."""
    return {artifact.name: {"size": artifact.size, "md5": artifact.md5} for artifact in artifacts}


def csv_text(results: Iterable[Result], base: str) -> str:
    """RFC 4180, with a line of names."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS)
    table.writeheader()
    for result in results:
        table.writerow(_row(result, base))
    return out.getvalue()


def _row(result: Result, base: str) -> Json:
    return {
        **result_json(result, base),
        "duration": f"{result.seconds:.6f}",
        "test_pack_branch": result.branch,
        "job_category": result.category,
        "username": result.user,
        "node_id": result.node,
        "tags": "; ".join(f"{name}={value or ''}" for name, value in result.tags.items()),
    }


def _unless_passed(result: Result, text: str | None) -> str | None:
    """Null for a pass, and for anything else a text: ``stbt_rig`` as a pytest plugin splits it into lines."""
    return None if result.verdict is Verdict.PASS else text or ""


@dataclass(frozen=True, slots=True)
class _Case:
    test: str
    verdict: Verdict
    reason: str | None
    traceback: str | None
    start: int
    end: int


def xml_bytes(results: Iterable[tuple[Result, str | None]], *, include_tz: bool) -> bytes:
    """JUnit XML of results and their tracebacks."""
    cases = [
        _Case(found.testcase, found.verdict, found.failure_reason, traceback, found.start, found.end)
        for found, traceback in results
    ]
    return write_junit(cases, include_tz=include_tz)


def artifact_names(path: str, raw_path: bytes, query_string: bytes) -> tuple[str, ...]:
    """What file a URL's path may mean, best first: the path unescaped, or exactly as it came.

    ``stbt_rig`` puts names into URLs as they are, so ``%41.txt`` may be meant literally, and what stands
    behind a ``?`` may be a part of the name.
    """
    raw = raw_path.partition(b"/artifacts/")[2].decode("latin-1")
    literal = f"{raw}?{query_string.decode('latin-1')}" if query_string else raw
    return (path,) if literal in {path, ""} else (path, literal)
