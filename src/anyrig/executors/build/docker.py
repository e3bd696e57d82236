"""Runs actions in containers, by the ``docker`` command of the agent's machine.

Each action has a container of its own, and what it has changed is in the image that the next one starts
from: ``anyrig/NAME:latest``, where NAME tells of the test. A run begins with the image that the test names;
that one is never changed. The image of the last run stays until the next one, for people to look into.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from anyrig.core.build_records import Ended
from anyrig.core.build_spec import BuildSpec
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.messages import TaskSpec
from anyrig.core.placeholders import CommandLine
from anyrig.executors.base import Stop, StopFlag
from anyrig.executors.build.environment import added, entering, inherited
from anyrig.executors.build.printed import Printed
from anyrig.executors.build.ran import Ran, by_exit, not_run, stopped
from anyrig.executors.build.voice import Voice
from anyrig.executors.process import Exit, run_program

_COMMAND = "ANYRIG_COMMAND"
_SCRIPT = f'eval "unset {_COMMAND}\n${_COMMAND}"'
"""The command is in a variable: an image's history, which anybody can read, has the arguments."""
_NO_NAME = re.compile(r"[^a-z0-9]+")
_ANSWER = 60.0
"""Seconds that Docker may take for what is quick."""
_WORK = 3600.0
"""Seconds that it may take to build an image, and to keep what an action has changed."""
_NOT_RUN = 125
"""The exit code of ``docker run`` when it could not run a container."""
_CODE = "{{.State.ExitCode}}"
_MOST = 10_000
"""Bytes of an answer of Docker's that are of interest."""


class _Docker:
    """The command."""

    def __init__(self, wanted: Docker, voice: Voice) -> None:
        self.argv = ("docker", *(("--host", wanted.base_url) if wanted.base_url else ()))
        self._voice = voice

    async def do(self, *words: str, seconds: float = _ANSWER, stop: Stop | None = None) -> tuple[Exit, str]:
        """How it ended, and the last line of what it said. Goes on through a stop that it is not told of."""
        said = bytearray()
        ended = await run_program(
            (*self.argv, *words),
            cwd=Path(),
            env=inherited(),
            stop=stop or StopFlag(),
            timeout=seconds,
            on_output=said.extend,
            output_limit=_MOST,
        )
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return ended, lines[-1] if lines else _silence(ended, seconds)

    async def show(self, *words: str, stop: Stop) -> tuple[Exit, str]:
        """The same for what takes long: what it prints is for the log."""
        printed = Printed(self._voice)
        ended = await run_program(
            (*self.argv, *words),
            cwd=Path(),
            env=inherited(),
            stop=stop,
            timeout=_WORK,
            on_output=printed.output.hear,
        )
        printed.end()
        return ended, printed.last().rpartition("\n")[2] or _silence(ended, _WORK)


def _silence(ended: Exit, seconds: float) -> str:
    return f"no answer within {seconds:g} s" if ended.timed_out else ended.trouble or "it said nothing"


class Containers:
    """The containers of one run, one after the other; none is left when its action is over."""

    def __init__(self, wanted: Docker, build: BuildSpec, spec: TaskSpec, voice: Voice, stop: Stop) -> None:
        self._wanted = wanted
        self._build = build
        self._docker = _Docker(wanted, voice)
        self._stop = stop
        self._job = spec.job_uid
        self._variables = added(build, spec)
        name = _name(spec.tests[0])
        self._tag = f"anyrig/{name}:latest"
        self._container = f"anyrig-{name}"
        self._image = wanted.image
        self._ready = False
        self._trouble = ""
        """Why nothing can be run."""

    async def act(self, line: CommandLine, printed: Printed) -> Ran:
        """See ``Place``."""
        if not (self._ready or self._trouble):
            self._trouble = await self._prepared()
            self._ready = not self._trouble
        if self._stop.is_set():
            return stopped(self._stop.reason)
        if self._trouble:
            return not_run(self._trouble)
        try:
            return await self._run(line, printed)
        finally:
            await self._docker.do("rm", "--force", "--volumes", self._container)

    async def _prepared(self) -> str:
        """See that there is an image to begin with; why there is none, if so."""
        ended, said = await self._docker.do("version", "--format", "{{.Server.Version}}")
        if ended.status is None:
            return f"the agent's machine has no command docker ({said})"
        if ended.status:
            return f"Docker does not answer: {said}"
        await self._docker.do("rm", "--force", "--volumes", self._container)
        await self._docker.do("image", "rm", self._tag)
        return await self._built() if self._wanted.path_to_dockerfile else ""

    async def _built(self) -> str:
        """Build the image if there is none; why that is not possible, if so."""
        folder, image = self._wanted.path_to_dockerfile or "", self._wanted.image
        ended, _ = await self._docker.do("image", "inspect", "--format", "{{.Id}}", image)
        if ended.status == 0:
            return ""
        ended, said = await self._docker.show("build", "--tag", image, folder, stop=self._stop)
        return "" if ended.status == 0 else f"Docker could not build the image {image}: {said}"

    async def _run(self, line: CommandLine, printed: Printed) -> Ran:
        seconds = self._build.exec_timeout
        command = entering(self._build.work_dir) + line.text
        ended = await run_program(
            (*self._docker.argv, *self._words()),
            cwd=Path(),
            env={**inherited(), **self._variables, _COMMAND: command},
            stop=self._stop,
            timeout=seconds,
            on_output=printed.output.hear,
            on_error=printed.error.hear,
        )
        if ended.stopped or ended.timed_out or ended.status is None:
            return by_exit(ended, line, seconds, self._stop.reason)
        if ended.status == _NOT_RUN and not await self._has_run():
            return not_run(f"Docker could not run a container of the image {self._image}")
        trouble = await self._kept()
        return Ran(trouble, Ended.BROKEN) if trouble else by_exit(ended, line, seconds, "")

    async def _has_run(self) -> bool:
        """Whether the exit code is the action's own."""
        _, code = await self._docker.do("container", "inspect", "--format", _CODE, self._container)
        return code == str(_NOT_RUN)

    def _words(self) -> list[str]:
        """``docker run``; a variable without a value is taken from the environment of the command."""
        limits = {"--memory": self._wanted.memory_limit, "--cpu-shares": self._wanted.cpu_share}
        return [
            *("run", "--name", self._container, "--label", f"anyrig.job={self._job}"),
            *(word for name, limit in limits.items() if limit for word in (name, str(limit))),
            *(word for name in (*self._variables, _COMMAND) for word in ("--env", name)),
            *("--entrypoint", "/bin/sh", self._image, "-c", _SCRIPT),
        ]

    async def _kept(self) -> str:
        """Make what the action has changed the image of the next; why that failed, if so.

        The values of the params are not for the image: whoever has it could read them.
        """
        ended, said = await self._docker.do(
            *("commit", *_emptied(self._variables), self._container, self._tag), seconds=_WORK
        )
        self._image = self._tag
        return "" if ended.status == 0 else f"Docker could not keep what the action has changed: {said}"


def _emptied(variables: Mapping[str, str]) -> list[str]:
    return [word for name in (*variables, _COMMAND) for word in ("--change", f"ENV {name}=")]


def _name(test: str) -> str:
    """As images can be called; two tests never have the same."""
    name = _NO_NAME.sub("-", test.lower()).strip("-")
    return name if name == test else f"{name}-{sha256(test.encode()).hexdigest()[:8]}".strip("-")
