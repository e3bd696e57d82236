"""The pytest plugin that notes what the tests showed, and says so in their log."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from anyrig.executors.python.inside.streams import Console
from anyrig.executors.python.inside.verdicts import (
    ERROR,
    FAIL,
    PASS,
    Finding,
    of_call,
    of_surroundings,
    shortened,
)

_REASON = 4000


class Recorder:
    """Notes every failed phase of every test, and whatever kept pytest from running tests at all.

    ``root``: the pack's folder.
    """

    def __init__(self, root: str, console: Console) -> None:
        self._root = root
        self._console = console
        self.findings: list[tuple[str, Finding]] = []
        self.skipped: list[str] = []
        self.ran = 0

    def overall(self, test: str) -> Finding:
        """A failure outweighs an error; of equals the first counts. A skipped test passes."""
        for verdict in (FAIL, ERROR):
            for name, finding in self.findings:
                if finding.verdict == verdict:
                    return self._named(name, finding)
        if self.ran or self.skipped:
            return Finding(PASS)
        file, _, function = test.partition("::")
        nothing = Finding(ERROR, f"There is no test '{function}' in {file}", "")
        self.tell(test, nothing)
        return nothing

    def _named(self, name: str, finding: Finding) -> Finding:
        """Where several parameter sets ran, the reason says which one it was."""
        if self.ran <= 1 or not finding.reason or "[" not in name:
            return finding
        return replace(finding, reason=f"[{name.partition('[')[2]}: {finding.reason}"[:_REASON])

    def note(self, name: str, finding: Finding) -> None:
        self.findings.append((name, finding))

    def tell(self, name: str, finding: Finding) -> None:
        """As stb-tester's runner does: one line on stdout, the traceback on stderr."""
        title = f"{finding.title}: " if finding.title else ""
        self._say(f"{finding.verdict.upper()}: {name}: {title}{finding.reason}")
        if finding.traceback:
            self._console.err.write(finding.traceback.removesuffix("\n") + "\n")

    def _say(self, line: str) -> None:
        self._console.out.write(f"{line}\n")  # sys.stdout may be captured by the test's fixtures

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self.ran += call.when == "setup"
        if report.failed:
            finding = self._finding(call, report)
            self.note(item.nodeid, finding)
            self.tell(item.nodeid, finding)
        elif report.skipped:
            self._note_skipped(item.nodeid, getattr(report, "wasxfail", None), report.longrepr)
        return report

    def _finding(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> Finding:
        if call.excinfo is None:  # a strict xfail that passed, a failed subtest
            return Finding(FAIL, shortened(str(report.longrepr), _REASON), "")
        judge = of_call if call.when == "call" else of_surroundings
        return judge(call.excinfo.value, self._root)

    def _note_skipped(self, name: str, xfail: str | None, longrepr: Any) -> None:
        if xfail is not None:
            self._say(f"XFAIL: {name}: {xfail}")
        else:
            reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
            self.skipped.append(name)
            self._say(f"SKIPPED: {name}: {reason.removeprefix('Skipped: ')}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note_skipped(report.nodeid, None, report.longrepr)

    def pytest_exception_interact(self, node: Any, call: pytest.CallInfo[Any], report: Any) -> None:
        """A file or a folder could not be collected; tests themselves are noted where they are reported."""
        if isinstance(report, pytest.CollectReport) and call.excinfo:
            self._note_trouble(node.nodeid, call.excinfo.value)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._note_trouble("pytest", excinfo.value)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if not isinstance(excinfo.value, pytest.Session.Interrupted):  # of which the cause has been noted
            self._note_trouble("pytest", excinfo.value)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(self) -> Generator[None, Any, Any]:
        """Bad arguments, a bad pytest.ini, a conftest.py that cannot be imported."""
        return (yield from self._watched())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        return (yield from self._watched())

    def _watched(self) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except BaseException as error:
            self._note_trouble("pytest", error)
            raise

    def _note_trouble(self, name: str, error: BaseException) -> None:
        """Pytest wraps what happened during an import; the test's author wants the exception itself."""
        wrapped = isinstance(error, pytest.Collector.CollectError) or type(error).__name__.endswith(
            "ImportFailure"
        )
        cause = (getattr(error, "cause", None) or error.__cause__) if wrapped else None
        finding = of_surroundings(cause or error, self._root)
        self.note(name, finding)
        self.tell(name, finding)
