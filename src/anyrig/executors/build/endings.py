"""From how the actions went to what is said of the run, and its result. Pure."""

from anyrig.core.build_records import BUILD_FAILED, Level, RunEnd, run_end
from anyrig.core.build_spec import BuildSpec
from anyrig.core.results import Verdict
from anyrig.executors.base import Outcome
from anyrig.executors.build.course import Course

_LONGEST = 120
"""Characters of a command in a result's reason."""


def ended(build: BuildSpec, course: Course, stop_reason: str) -> tuple[RunEnd | None, Outcome]:
    """What is said of the run, nothing if it had nothing to do; and its result, without files."""
    if course.stopped:
        end = RunEnd(Level.ERROR, BUILD_FAILED, Verdict.ERROR)
        return end, Outcome(Verdict.ERROR, stop_reason, _output(course))
    if not build.actions:
        return None, Outcome(Verdict.PASS)
    end = run_end(len(build.actions), course.ended, cut_short=course.cut_short)
    if end.verdict is Verdict.PASS:
        return end, Outcome(Verdict.PASS)
    return end, Outcome(end.verdict, f"{end.message}. {_why(course)}", _output(course))


def _why(course: Course) -> str:
    """The failure that ended the run, or the first of several."""
    failure = course.failures[-1 if course.cut_short else 0]
    others = len(course.failures) - 1
    more = f" ({others} more failed)" if others else ""
    return f'"{_short(failure.command)}" failed: {failure.why}{more}'


def _short(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _output(course: Course) -> str | None:
    if not course.failures:
        return None
    return course.failures[-1 if course.cut_short or course.stopped else 0].output or None
