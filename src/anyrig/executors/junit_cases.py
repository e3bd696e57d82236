"""One test case of a JUnit file, whatever tool wrote it.

There is no standard: the elements are those of Ant's JUnit task, and each tool adds its own. Known here are
pytest, Robot Framework, Playwright, gotestsum, go-junit-report, Maven Surefire and GoogleTest.
Elements come without namespaces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from anyrig.core.results import Verdict, overall
from anyrig.executors.junit_text import one_line, reason_of, trace_of

_BAD = {"failure": Verdict.FAIL, "error": Verdict.ERROR}
_RERUN = ("rerunFailure", "rerunError")
_FLAKY = ("flakyFailure", "flakyError")
_SKIPPED = {"pytest.xfail": "Failed as expected"}
"""The type of a ``skipped`` element -> what really happened; else it is ``Skipped``."""
_MARKS = {
    "failed": Verdict.FAIL,
    "failure": Verdict.FAIL,
    "fail": Verdict.FAIL,
    "error": Verdict.ERROR,
    "notrun": Verdict.PASS,
    "disabled": Verdict.PASS,
    "skipped": Verdict.PASS,
    "ignored": Verdict.PASS,
    "suppressed": Verdict.PASS,
}
"""``status`` or ``result`` of a case without a child that tells more; the passes were not run."""
_ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|([^|\]\n]+)(?:\|[^\n]*?)?\]\]")
_GROUPS_OF_THREE = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_Judgement = tuple[Verdict, str | None, str | None]
"""Verdict, reason, traceback."""


@dataclass(frozen=True, slots=True)
class Case:
    """One ``testcase`` element."""

    name: str
    """``classname::name``; the file or the suite's name stands in for a missing class name."""
    verdict: Verdict
    """A failure is ``fail``, an error is ``error``; a skipped case is a ``pass`` with a reason."""
    reason: str | None = None
    """One line. A pass has one when it was skipped, or passed only when it was run again."""
    traceback: str | None = None
    """What there is to tell beyond the reason."""
    seconds: float | None = None
    stdout: str = ""
    """What the case wrote to its standard output, then to its standard error."""
    attachments: tuple[str, ...] = ()
    """Paths that the output names as ``[[ATTACHMENT|path]]``, the convention of Jenkins and Playwright."""


def case_of(element: Element, suite: str) -> Case:
    """The case that a ``testcase`` element in the suite named ``suite`` describes."""
    stdout = _output(element)
    verdict, reason, traceback = _judged(element)
    return Case(
        name=_name(element, suite),
        verdict=verdict,
        reason=reason,
        traceback=traceback,
        seconds=seconds_of(element.get("time")),
        stdout=stdout,
        attachments=tuple(dict.fromkeys(path.strip() for path in _ATTACHMENT.findall(stdout))),
    )


def case_of_suite(suite: Element, *, empty: bool) -> Case | None:
    """What a ``testsuite`` shows by itself: a failure outside of any case, or one counted without a case.

    ``empty`` says that neither the suite nor one inside of it has a case.
    """
    name = one_line(suite.get("name", "")) or "suite"
    if bad := _children(suite, _BAD):
        return Case(name, *_broken(bad, []), stdout=_output(suite))
    counted = [_BAD[what[:-1]] for what in ("failures", "errors") if suite.get(what, "0").strip(" 0")]
    if not counted or not empty:
        return None
    reason = "The suite counts failures or errors, but has no test case."
    return Case(name, overall(counted), reason, stdout=_output(suite))


def seconds_of(time: str | None) -> float | None:
    """Seconds of a ``time`` attribute, None if it is none; Surefire writes ``1,234.5`` for more than 999."""
    text = (time or "").strip()
    if _GROUPS_OF_THREE.fullmatch(text):
        text = text.replace(",", "")
    try:
        seconds = float(text.replace(",", "."))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _children(parent: Element, tags: Sequence[str] | dict[str, Verdict]) -> list[Element]:
    return [child for child in parent if child.tag in tags]


def _name(case: Element, suite: str) -> str:
    owner = one_line(case.get("classname") or case.get("file") or suite)
    name = one_line(case.get("name", ""))
    return "::".join(part for part in (owner, name) if part) or "unnamed"


def _output(element: Element) -> str:
    texts = (child.text or "" for tag in ("system-out", "system-err") for child in element.iter(tag))
    return "\n".join(stripped for text in texts if (stripped := text.strip("\r\n").rstrip()))


def _judged(case: Element) -> _Judgement:
    if bad := _children(case, _BAD):
        return _broken(bad, _children(case, _RERUN))
    if flaky := _children(case, _FLAKY):
        reason = f"Flaky: run {len(flaky) + 1} passed; the first said: {reason_of(flaky[0])}"
        return Verdict.PASS, reason, _traces(flaky)
    if (skipped := case.find("skipped")) is not None:
        what = _SKIPPED.get(skipped.get("type", ""), "Skipped")
        return Verdict.PASS, f"{what}: {reason_of(skipped)}", None
    return _marked(case)


def _broken(bad: list[Element], reruns: list[Element]) -> _Judgement:
    verdict = overall(_BAD[element.tag] for element in bad)
    reason = reason_of(next(element for element in bad if _BAD[element.tag] is verdict))
    traceback = _traces([*bad, *reruns])
    return verdict, reason, traceback if traceback != reason else None


def _traces(elements: list[Element]) -> str | None:
    return "\n\n".join(trace for element in elements if (trace := trace_of(element))) or None


def _marked(case: Element) -> _Judgement:
    for attribute in ("status", "result"):
        mark = case.get(attribute, "").strip().lower()
        if verdict := _MARKS.get(mark):
            return verdict, f"{'Skipped: ' * (verdict is Verdict.PASS)}it is marked '{mark}'", None
    return Verdict.PASS, None, None
