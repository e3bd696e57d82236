"""One task on its node: from its acceptance, or its journal after a restart, until the server has it all."""

import asyncio
import logging
import shutil
import tempfile
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Self

from anyrig.agent.clock import ServerClock
from anyrig.agent.delivery import Delivery
from anyrig.agent.journal import Journal
from anyrig.agent.logs import LogSender
from anyrig.agent.machine import Machine
from anyrig.agent.reporter import TaskReporter
from anyrig.agent.session import RESTARTED, SHUT_DOWN, Ended, Recovery, recover
from anyrig.bus.client import Bus
from anyrig.core.errors import AnyrigError, Invalid
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict
from anyrig.executors.base import Device, Outcome, StopFlag, Workspace
from anyrig.executors.registry import EXECUTORS

log = logging.getLogger(__name__)
_TIDY_AFTER = 0.1
"""Seconds; by then the server has told those who wait."""


class TaskRun:
    """A task in this agent's hands; ``over`` is set when no process is left and the server knows its end."""

    def __init__(
        self,
        machine: Machine,
        bus: Bus,
        journal: Journal,
        recovery: Recovery | None = None,
        device: Device | None = None,
    ) -> None:
        self.journal = journal
        self.stop = StopFlag()
        self.over = asyncio.Event()
        self.executing = recovery is None
        self._lost = ""
        self._machine = machine
        self._device = device
        self._forgotten = asyncio.Event()
        self._logs = LogSender(bus, journal)
        undelivered, count = (recovery.undelivered, recovery.delivered) if recovery else ((), 0)
        self._delivery = Delivery(bus, machine.uploads, journal, undelivered, count)

    @classmethod
    def recovered(cls, machine: Machine, bus: Bus, journal: Journal) -> Self:
        """From what an earlier start left: a task whose end is not in the journal has ended now."""
        recovery = recover(journal.opened.spec.done, journal.lines())
        if not recovery.ended:
            ended = Ended(recovery.results, stopped=False, lost=RESTARTED)
            journal.write(ended)
            recovery = replace(recovery, undelivered=(*recovery.undelivered, ended), ended=True)
        return cls(machine, bus, journal, recovery)

    @property
    def spec(self) -> TaskSpec:
        return self.journal.opened.spec

    @property
    def key(self) -> tuple[int, int]:
        """Task and attempt."""
        return self.spec.task, self.journal.opened.attempt

    def forget(self) -> None:
        """The task is not ours any more: end its processes and send nothing."""
        self._forgotten.set()
        self.stop.set("The server gave the task up.", 1.0)

    def shut_down(self) -> None:
        """The agent ends: kill what runs, and let the server decide about another try."""
        if self.executing:
            self._lost = SHUT_DOWN
            self.stop.set(SHUT_DOWN, 1.0)

    async def execute(self, clock: ServerClock) -> None:
        """Run the task and deliver what comes of it, at the same time."""
        reporter = TaskReporter(self.journal, clock, self._delivery, self._logs, lambda: bool(self._lost))
        scratch = Path(tempfile.mkdtemp(dir=self._machine.scratch))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            group.create_task(reporter.run())
            await self._run(scratch, reporter)
            self.executing = False
            reporter.ended(stopped=self.stop.is_set(), lost=self._lost)
            self._logs.finish(comes_whole=not self._lost)
        await self._close(scratch)

    async def resume(self) -> None:
        """Bring home what an earlier start of the agent left."""
        self._logs.finish()
        await self._deliver()
        await self._close()

    async def _deliver(self) -> None:
        """Until the server has everything, or the task is not ours any more."""
        async with asyncio.TaskGroup() as group:
            sending = {group.create_task(self._delivery.run()), group.create_task(self._logs.run())}
            forgotten = group.create_task(self._forgotten.wait())
            everything = group.create_task(_all(sending))
            await asyncio.wait({everything, forgotten}, return_when=asyncio.FIRST_COMPLETED)
            for task in (forgotten, everything, *sending):
                task.cancel()

    async def _close(self, *folders: Path) -> None:
        """Forget the task; what it leaves on disk goes a little later, out of the way of its end."""
        self.over.set()
        self.journal.end()
        await asyncio.sleep(_TIDY_AFTER)
        for folder in (*folders, self.journal.folder):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _run(self, scratch: Path, reporter: TaskReporter) -> None:
        if self.spec.trouble:
            await self._fail(reporter, self.spec.trouble)
            return
        try:
            await self._run_in(scratch, reporter)
        except AnyrigError as error:
            await self._fail(reporter, str(error))
        except Exception as error:
            log.exception("task %s", self.spec.task)
            await self._fail(reporter, f"The agent could not run the test: {error!r}")

    async def _run_in(self, scratch: Path, reporter: TaskReporter) -> None:
        spec, machine = self.spec, self._machine
        executor = EXECUTORS.get(spec.kind)
        if executor is None:
            raise Invalid(reason=f"this agent does not run tests of kind {spec.kind}")
        async with self._pack(scratch) as pack:
            workspace = Workspace(pack, scratch, machine.cache, self._device)
            await executor.run(spec, workspace, reporter, self.stop)

    def _pack(self, scratch: Path) -> AbstractAsyncContextManager[Path]:
        """The test pack, checked out; for tests that are in none, the task's own folder."""
        spec, machine = self.spec, self._machine
        if not spec.pack_url:
            return nullcontext(scratch)
        return machine.checkouts.lease(machine.server + spec.pack_url, machine.token, spec.sha)

    async def _fail(self, reporter: TaskReporter, reason: str) -> None:
        """An error result for every test that has none."""
        left = self.spec.tests[reporter.results :]
        for test in left[:1] if self.spec.forever else left:
            reporter.started(test)
            await reporter.finished(test, Outcome(Verdict.ERROR, reason, ""))


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)
