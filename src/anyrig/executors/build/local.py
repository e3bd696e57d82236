"""Runs actions on the agent's machine."""

from pathlib import Path

from anyrig.core.build_spec import BuildSpec
from anyrig.core.messages import TaskSpec
from anyrig.core.placeholders import CommandLine
from anyrig.executors.base import Stop
from anyrig.executors.build.environment import added, inherited
from anyrig.executors.build.printed import Printed
from anyrig.executors.build.ran import Ran, by_exit
from anyrig.executors.process import run_program


class Local:
    """Each action in a shell of its own; nothing that it starts outlives it."""

    def __init__(self, build: BuildSpec, spec: TaskSpec, stop: Stop) -> None:
        self._seconds = build.exec_timeout
        self._folder = _folder(build.work_dir)
        self._environment = {"PYTHONUNBUFFERED": "1", **inherited(), **added(build, spec)}
        self._stop = stop

    async def act(self, line: CommandLine, printed: Printed) -> Ran:
        """See ``Place``."""
        ended = await run_program(
            ("/bin/sh", "-c", line.text),
            cwd=self._folder,
            env=self._environment,
            stop=self._stop,
            timeout=self._seconds,
            on_output=printed.output.hear,
            on_error=printed.error.hear,
        )
        return by_exit(ended, line, self._seconds, self._stop.reason)


def _folder(work_dir: str) -> Path:
    """``~`` is the agent's home; of somebody who is not there it stays as it is."""
    try:
        return Path(work_dir).expanduser()
    except RuntimeError:
        return Path(work_dir)
