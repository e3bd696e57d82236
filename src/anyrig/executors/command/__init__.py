"""Tests of kind ``command``: commands from the test pack's ``anyrig.toml``.

Described for users in ``docs/reference/anyrig-toml.md``.
"""

import random
import shutil
from asyncio import to_thread
from collections.abc import Iterator, Mapping
from pathlib import Path

from anyrig.core.errors import BadField
from anyrig.core.messages import TaskSpec
from anyrig.core.pack_file import PACK_FILE, Command, parse_pack_file
from anyrig.core.results import Verdict
from anyrig.executors.base import Outcome, Reporter, Stop, Workspace
from anyrig.executors.command.execution import execute

KIND = "command"


async def run(spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop) -> None:
    """Run the commands that ``spec.tests`` names, each in a copy of the pack of its own.

    A command with JUnit files may give many results. How many results an earlier attempt has committed is
    ``spec.done``: a command that gives exactly one is not run again for it; another one is run again, but
    that many results are not reported again.
    """
    pack, scratch, (commands, trouble) = await to_thread(_found, workspace)
    done = spec.done
    for number, name in enumerate(_in_order(spec, commands)):
        if stop.is_set():
            return
        if number:  # what the last command leaves goes with the task: nobody waits for that
            await to_thread(shutil.rmtree, scratch / str(number - 1), ignore_errors=True)
        command = commands.get(name)
        if done and not (command and command.junit):
            done -= 1
            continue
        reporter.started(name)
        results = [(name, Outcome(Verdict.ERROR, trouble or _missing(name, commands)))]
        folder = scratch / str(number)
        if command:
            results = await execute(command, spec, pack, folder, reporter, stop)
        for test, outcome in results[done:]:
            await reporter.finished(test, outcome)
        done = max(0, done - len(results))


def _found(workspace: Workspace) -> tuple[Path, Path, tuple[Mapping[str, Command], str]]:
    """Where the pack and the scratch folder really are, and ``_commands``."""
    pack = workspace.pack.resolve()
    return pack, workspace.scratch.resolve(), _commands(pack)


def _commands(pack: Path) -> tuple[Mapping[str, Command], str]:
    """The pack's commands, or why there are none."""
    try:
        return parse_pack_file((pack / PACK_FILE).read_bytes()).commands, ""
    except FileNotFoundError:
        return {}, f"The test pack has no file {PACK_FILE}."
    except (BadField, OSError) as error:
        return {}, f"The file {PACK_FILE} of the test pack cannot be used. {error}"


def _missing(name: str, commands: Mapping[str, Command]) -> str:
    return f"There is no command '{name}' in {PACK_FILE}; there are: {', '.join(commands) or 'none'}."


def _in_order(spec: TaskSpec, commands: Mapping[str, Command]) -> Iterator[str]:
    """The names as asked for, and those of commands again and again if so asked.

    Each attempt at a task shuffles them alike.
    """
    chance = random.Random(spec.task)  # noqa: S311 - an order, not a secret
    names = list(spec.tests)
    while names:
        yield from chance.sample(names, len(names)) if spec.shuffle else names
        names = [name for name in names if spec.forever and name in commands]
