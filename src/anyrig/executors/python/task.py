"""Run one task: its tests one after the other, each in a process of its own."""

import asyncio
import shutil
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from anyrig.core.errors import AnyrigError, EnvironmentFailed
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict
from anyrig.executors.base import Reporter, Stop, Workspace
from anyrig.executors.environments import used
from anyrig.executors.python.environment import Environment, python_for
from anyrig.executors.python.filming import Filming
from anyrig.executors.python.inside.logs import Log
from anyrig.executors.python.place import Place, clock_offset
from anyrig.executors.python.remotes import remote
from anyrig.executors.python.requirements import requirements
from anyrig.executors.python.schedule import Durations, order
from anyrig.executors.python.session import Session
from anyrig.executors.python.settings import Settings, settings
from anyrig.executors.python.warm import Warm

WARM = Warm()
"""What this process keeps between tasks."""


async def run(spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop) -> None:
    """See ``Executor.run``."""
    with ExitStack() as leases:
        await _run(spec, workspace, reporter, stop, leases)


async def _run(
    spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop, leases: ExitStack
) -> None:
    """``leases`` keeps the environment until the end of the task."""
    try:
        how = settings(spec, workspace.pack)
        filming = _filming(how, workspace)
        environment_folder = await _environment(how, workspace, reporter, stop, leases)
    except AnyrigError as error:
        if not stop.is_set():
            await _report_all(spec, workspace, reporter, str(error))
        return
    async with asyncio.TaskGroup() as group:
        session = Session(spec, workspace, reporter, stop, how, filming, environment_folder, WARM, group)
        stopping = group.create_task(session.pass_on_stop())
        await _run_each(spec, session, stop)
        stopping.cancel()


def _filming(how: Settings, workspace: Workspace) -> Filming:
    """Without a device no remote control is of interest, not even one that is missing in the pack."""
    name = how.remote_control if workspace.device else ""
    return Filming(workspace.device, remote(name, workspace.pack), how)


async def _environment(
    how: Settings, workspace: Workspace, reporter: Reporter, stop: Stop, leases: ExitStack
) -> Path:
    """The pack's environment; what uv says while it is made goes to the task's log."""
    try:
        wanted = requirements(workspace.pack, python_for(how.python))
        environment = Environment(wanted, workspace.cache)
        leases.enter_context(used(environment.folder))
    except OSError as error:
        raise EnvironmentFailed(reason=str(error)) from error
    if not environment.is_whole():
        folder = workspace.scratch / "environment"
        folder.mkdir(exist_ok=True)
        log = Log(str(folder), how.max_log, clock_offset(reporter), reporter.log)
        try:
            await environment.make(workspace.pack, stop, lambda output: log.unstamped(0, output))
        finally:
            log.end()
    return environment.folder


async def _run_each(spec: TaskSpec, session: Session, stop: Stop) -> None:
    durations = Durations()
    rest = order(
        spec.tests,
        done=spec.done,
        forever=spec.forever,
        shuffle=spec.shuffle,
        seed=spec.task,
        durations=durations,
    )
    in_vain = 0  # one after the other; when none can begin, a task that runs for ever is over
    for number, test in enumerate(rest, start=spec.done + 1):
        if stop.is_set() or in_vain == len(spec.tests):
            break
        start = time.monotonic()
        more = spec.forever or number < len(spec.tests)
        in_vain = 0 if await session.run_test(test, more=more) else in_vain + 1
        durations.add(test, time.monotonic() - start)


async def _report_all(spec: TaskSpec, workspace: Workspace, reporter: Reporter, reason: str) -> None:
    """No test can be run; each of those that remain is an error, with what uv said in its log."""
    for number, test in enumerate(spec.tests[spec.done :]):
        place = Place(workspace.scratch / "results" / str(number), reporter)
        place.make()
        with suppress(FileNotFoundError):
            shutil.copytree(workspace.scratch / "environment", place.logs, dirs_exist_ok=True)
        reporter.started(test)
        place.error(test, reason)
        await reporter.finished(test, place.outcome(Verdict.ERROR, reason, "", limit=0))
        place.clear()
