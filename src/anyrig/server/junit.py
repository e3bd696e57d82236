"""Writes results as JUnit XML, in the shape that stb-tester's ``results.xml`` has and Jenkins reads."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement, tostring

from anyrig.core.results import Verdict
from anyrig.core.xml_text import legal

_TAGS = {Verdict.FAIL: "failure", Verdict.ERROR: "error"}


class FinishedTest(Protocol):
    """What is written of a result."""

    @property
    def test(self) -> str:
        """Such as ``tests/epg.py::test_that_epg_is_populated``."""

    @property
    def verdict(self) -> Verdict: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def traceback(self) -> str | None: ...

    @property
    def start(self) -> int:
        """Microseconds since the epoch."""

    @property
    def end(self) -> int:
        """Microseconds since the epoch."""


def write_junit(results: Iterable[FinishedTest], *, include_tz: bool = False, tz: tzinfo = UTC) -> bytes:
    """One ``testsuite`` element, UTF-8.

    Its time stamp is the start of the earliest result in ``tz``, and without results is left out;
    ``include_tz`` says whether the zone's offset is added: not every reader can cope with one.
    """
    cases = list(results)
    suite = Element("testsuite", _counts(cases))
    if cases:
        suite.set("timestamp", _timestamp(min(case.start for case in cases), tz, include_tz=include_tz))
    for case in cases:
        _add(suite, case)
    document: bytes = tostring(suite, encoding="utf-8", xml_declaration=True)
    return document


def _counts(cases: list[FinishedTest]) -> dict[str, str]:
    verdicts = [case.verdict for case in cases]
    return {
        "disabled": "0",
        "errors": str(verdicts.count(Verdict.ERROR)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "name": "test",
        "skipped": "0",
        "tests": str(len(cases)),
        "time": _seconds(sum(case.end - case.start for case in cases)),
    }


def _add(suite: Element, case: FinishedTest) -> None:
    file, _, name = legal(case.test).partition("::")
    attributes = {"classname": file, "name": name or file, "time": _seconds(case.end - case.start)}
    element = SubElement(suite, "testcase", attributes)
    if tag := _TAGS.get(case.verdict):
        shown = SubElement(element, tag, {"type": tag, "message": legal(case.reason or "")})
        shown.text = legal(case.traceback or "")


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1_000_000:.6f}"


def _timestamp(microseconds: int, tz: tzinfo, *, include_tz: bool) -> str:
    """ISO 8601; whole microseconds survive because they are not a float's fraction."""
    seconds, rest = divmod(microseconds, 1_000_000)
    when = datetime.fromtimestamp(seconds, tz).replace(microsecond=rest)
    return (when if include_tz else when.replace(tzinfo=None)).isoformat()
