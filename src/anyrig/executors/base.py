"""What every executor offers and gets.

An executor is a module with ``KIND`` and ``run``, listed in ``registry.py``. It gets a spec, a workspace, a
reporter and a stop signal; it reports every test it ran, and returns when no process of the task is left.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anyrig.core.build_records import Channel, Level
from anyrig.core.devices import Remote
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict


class Device(Protocol):
    """The node's device. Its frames and keys reach a test's processes through ``socket``."""

    socket: Path
    """A Unix socket; what is said there: ``core.devices``."""

    async def ready(self, seconds: float) -> None:
        """Wait until it gives pictures.

        Raises:
            NoVideo: It does not within ``seconds``.
        """

    async def use(self, remote: Remote) -> None:
        """Keys are those of this remote control from now on. Raises NoControl, ControlFailed."""

    async def record(self, file: Path) -> None:
        """Begin a recording (MP4); its first picture is the one of now. Raises NoVideo."""

    async def end_recording(self) -> None:
        """Returns when the file is whole; nothing happens if there is no recording."""

    async def save_pictures(self, folder: Path) -> None:
        """Write the newest picture to ``screenshot.png`` and ``thumbnail.jpg``. Raises NoVideo."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What an executor may use; all folders exist."""

    pack: Path
    """The test pack, checked out at the spec's sha: shared between tasks, read only."""
    scratch: Path
    """This task's own folder; the agent removes it when the task is over and everything is uploaded."""
    cache: Path
    """Shared between all tasks of this agent, kept between its starts (environments of packs)."""
    device: Device | None = None
    """The node's, if it has one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test executed once."""

    verdict: Verdict
    reason: str | None = None
    """One sentence or line; None only for a pass."""
    traceback: str | None = None
    files: dict[str, Path] = field(default_factory=dict)
    """Artifact name (relative, ``/``) -> file. They may go once ``Reporter.finished`` has returned."""
    seconds: float | None = None
    """How long the test took when the executor only learnt of it afterwards (a case of a JUnit file)."""


class Reporter(Protocol):
    """Takes what happens in a task; only ``finished`` may take long."""

    def started(self, test: str) -> None:
        """The test has started: the log lines that follow are its own."""

    def log(self, lines: bytes) -> None:
        """Whole log lines, each ``2018-10-10T13:13:20.123456+00:00 text`` and a newline; UTC.

        Never blocks: what cannot be sent now waits on disk.
        """

    def record(self, channel: Channel, level: Level, message: str) -> None:
        """A build says something; what is too long for a message is clipped in the middle."""

    def finished(self, test: str, outcome: Outcome) -> Awaitable[None]:
        """The test has ended. Preceded by ``started`` for this test, unless it was only learnt of afterwards.

        Returns once the outcome and its files are in the agent's hands.
        """

    def now(self) -> int:
        """Microseconds since the epoch by the server's clock."""


class Stop(Protocol):
    """Set when the task is to end: by a user, or because its lease is gone."""

    reason: str
    """A sentence such as ``Stopped by ada.``; empty while not set."""
    grace: float
    """Seconds between SIGTERM and SIGKILL."""

    def is_set(self) -> bool: ...

    async def wait(self) -> None: ...


class Executor(Protocol):
    """One module a kind."""

    KIND: str

    async def run(self, spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop) -> None:
        """Run the spec's tests from number ``spec.done`` on.

        Every test that was run, or could not be (bad name, broken environment), is reported with an outcome.
        A test cut short by ``stop`` is reported as an error whose reason is ``stop.reason``; tests not yet
        started are not reported. Raises only for what is a defect of ours; the agent then reports an error.
        """


class StopFlag:
    """The Stop of real life."""

    def __init__(self) -> None:
        self.reason = ""
        self.grace = 5.0
        self._event = asyncio.Event()

    def set(self, reason: str, grace: float) -> None:
        if not self._event.is_set():
            self.reason, self.grace = reason, grace
            self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()
