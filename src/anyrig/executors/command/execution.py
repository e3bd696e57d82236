"""Runs one command of a test pack."""

import os
import shlex
from asyncio import to_thread
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from anyrig.core.masking import Mask
from anyrig.core.messages import TaskSpec
from anyrig.core.pack_file import Command
from anyrig.executors.base import Outcome, Reporter, Stop
from anyrig.executors.command.copying import copied
from anyrig.executors.command.environment import environment
from anyrig.executors.command.files import signatures
from anyrig.executors.command.gathering import Left, gathered, reports
from anyrig.executors.command.verdicts import judged, outcomes
from anyrig.executors.live_log import LiveLog
from anyrig.executors.process import Exit, run_program

_COPY = 'cp -a --reflink=auto -- "$1/." "$2" && chmod -R u+w -- "$2"'
"""A copy that may be written to. No hard links: through one, a command would change the pack of all tasks."""
_COPY_TIMEOUT = 1800.0


async def execute(
    command: Command, spec: TaskSpec, pack: Path, folder: Path, reporter: Reporter, stop: Stop
) -> list[tuple[str, Outcome]]:
    """Run a command in a copy of the pack; its results in the order to report them.

    ``folder`` does not exist yet; the copy and the results' files are put there.
    """
    began = monotonic()
    artifacts = folder / "artifacts"
    await to_thread(artifacts.mkdir, parents=True)
    mask = Mask(spec.secrets.values())
    with LiveLog(folder / "combined.log", reporter, mask=mask) as log:
        ended, work = await _prepared(command, pack, folder / "pack", log, stop)
        left = Left()
        if ended.status == 0:
            before = signatures(await to_thread(reports, command, work)) if command.junit else {}
            ended = await _ended(command, environment(command, spec, artifacts), work, log, stop)
            left = await to_thread(gathered, command, work, artifacts, before, mask)
            if left.dropped:
                log.note(f"(Beyond the {len(left.files)} artifacts kept, {left.dropped} were left out.)")
    own = judged(command, ended, [case for case, _ in left.cases], left.broken, stop.reason)
    return outcomes(command.name, left, own, log.file, log.last(), monotonic() - began)


async def _prepared(command: Command, pack: Path, copy: Path, log: LiveLog, stop: Stop) -> tuple[Exit, Path]:
    """Copy the pack; how that ended, and the folder to work in."""
    ended = Exit(0) if await to_thread(copied, pack, copy) else await _copy(pack, copy, log, stop)
    work = copy / command.work_dir
    if ended.status == 0 and not await to_thread(_is_folder_inside, work, copy):
        ended = Exit(None, f"the test pack has no folder '{command.work_dir}'")
    elif ended.status != 0 and not ended.stopped:
        why = log.last().rpartition("\n")[2]
        ended = Exit(None, f"the test pack could not be copied ({why})")
    return ended, work


async def _copy(pack: Path, copy: Path, log: LiveLog, stop: Stop) -> Exit:
    """However large it is; can be stopped."""
    argv = ("/bin/sh", "-c", _COPY, "copy", str(pack), str(copy))
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    ended = await run_program(
        argv, cwd=copy.parent, env=environ, stop=stop, timeout=_COPY_TIMEOUT, on_output=log.output
    )
    log.end()
    return ended


def _is_folder_inside(folder: Path, root: Path) -> bool:
    return folder.is_dir() and folder.resolve().is_relative_to(root.resolve())


async def _ended(command: Command, env: Mapping[str, str], work: Path, log: LiveLog, stop: Stop) -> Exit:
    """Run the command until it ends, by itself or not."""
    run = command.run
    argv = ("/bin/sh", "-e", "-c", run, command.name) if isinstance(run, str) else run
    for line in (run if isinstance(run, str) else shlex.join(run)).splitlines():
        log.note(f"$ {line}")
    ended = await run_program(
        argv, cwd=work, env=env, stop=stop, timeout=command.timeout, on_output=log.output
    )
    log.end()
    return ended
