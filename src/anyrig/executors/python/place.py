"""The folder of one result, and what becomes of it."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from anyrig.core.results import Verdict
from anyrig.executors.base import Outcome, Reporter
from anyrig.executors.python.artifacts import found
from anyrig.executors.python.inside.logs import Log
from anyrig.executors.python.inside.messages import Message

_NOTES = 1 << 20
"""Bytes of log that we ourselves add at most."""

PICTURES = ("screenshot.png", "thumbnail.jpg", "video.mp4")


@dataclass(frozen=True, slots=True)
class Place:
    """``files`` is what the test left (it comes to be when it has ended), ``logs`` what we wrote of it.

    ``pictures`` is what we kept of what the device showed, if the node has one.
    """

    folder: Path
    reporter: Reporter

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @property
    def configuration(self) -> Path:
        return self.folder / "run.conf"

    def make(self) -> None:
        self.logs.mkdir(parents=True)

    def configure(self, text: str) -> None:
        """Write the test's configuration, which may have secrets: only we can read it."""
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(text, "utf-8")

    def note(self, *lines: str) -> None:
        """Add lines of ours to the test's log, live and in the files."""
        log = Log(str(self.logs), _NOTES, clock_offset(self.reporter), self.reporter.log)
        for line in lines:
            log.say(line)
        log.end()

    def outcome(self, verdict: Verdict, reason: str | None, traceback: str | None, limit: int) -> Outcome:
        """With all that the test and we have left here; an error if the test left more than ``limit`` bytes.

        A picture of the test's own goes before ours of the same name; our logs go before everything.
        """
        left = found(self.files, limit)
        if left.too_much:
            verdict, reason = Verdict.ERROR, f"The test left more than {limit} bytes in its result directory"
            traceback = traceback or ""
        if left.passed_over:
            self.note(*left.passed_over)
        (self.logs / "exit-status").write_text(_EXIT_STATUS[verdict])
        logs = {file.name: file for file in self.logs.iterdir()}
        return Outcome(verdict, reason, traceback, files={**self._pictured(), **left.files, **logs})

    def _pictured(self) -> dict[str, Path]:
        """Those that are whole."""
        files = (self.pictures / name for name in PICTURES)
        return {file.name: file for file in files if file.is_file() and file.stat().st_size}

    def error(self, test: str, reason: str, *, began: bool = False) -> Message:
        """In a keeper's place: what there is to say of a test that could not be run, or was lost."""
        self.note(f"ERROR: {test}: {reason}")
        return {"verdict": "error", "reason": reason, "traceback": "", "began": began}

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


_EXIT_STATUS = {Verdict.PASS: "0", Verdict.FAIL: "1", Verdict.ERROR: "2"}
"""That of stb-tester's runner."""


def clock_offset(reporter: Reporter) -> int:
    """Nanoseconds by which the server's clock is ahead of ours."""
    return reporter.now() * 1000 - time.time_ns()
