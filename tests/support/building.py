"""A build to run on an executor, and what running it shows."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from anyrig.core.build_records import Channel, Level
from anyrig.core.build_spec import BuildSpec, Source, Value, told
from anyrig.core.builds import Action
from anyrig.core.messages import TaskSpec
from anyrig.core.results import Verdict
from anyrig.executors import build
from anyrig.executors.base import Outcome, StopFlag, Workspace

SPEC = TaskSpec(
    task=1,
    job_uid="/rig1/0000/7",
    task_index=0,
    node="rig1",
    kind="build",
    project="builds",
    user="ada",
    pack_url="",
    sha="",
    tests=("shop/web",),
    done=0,
    forever=False,
    shuffle=False,
    category="default",
    remote_control="",
    tags={},
)
DEBUG, INFO, WARNING, ERROR = Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR


@dataclass
class Told:
    """A reporter that remembers; files are read when told, because they may go afterwards."""

    began: list[str] = field(default_factory=list)
    lines: bytes = b""
    records: list[tuple[Channel, Level, str]] = field(default_factory=list)
    results: list[tuple[str, Outcome]] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    on_log: Callable[[str], object] = len

    def started(self, test: str) -> None:
        self.began.append(test)
        self.order.append("started")

    def log(self, lines: bytes) -> None:
        assert lines.endswith(b"\n")
        self.lines += lines
        self.order += [f"log {line}" for line in unstamped(lines).splitlines()]
        self.on_log(unstamped(lines))

    def record(self, channel: Channel, level: Level, message: str) -> None:
        self.records.append((channel, level, message))
        self.order.append(f"{channel} {message}")

    async def finished(self, test: str, outcome: Outcome) -> None:
        self.results.append((test, outcome))
        self.files.append({name: file.read_bytes() for name, file in outcome.files.items()})
        self.order.append("finished")

    def now(self) -> int:
        return time.time_ns() // 1000

    def text(self) -> str:
        return unstamped(self.lines)

    def said(self) -> list[tuple[Level, str]]:
        """What was said of the actions, without their params."""
        return [
            (level, message)
            for channel, level, message in self.records
            if channel is Channel.ACTIONS and not message.startswith("Params: ")
        ]

    def messages(self, level: Level) -> list[str]:
        return [message for each, message in self.said() if each is level]

    def end(self) -> tuple[Level, str]:
        """What was said of the run as a whole, which is one thing."""
        ((level, message),) = [
            (level, text) for channel, level, text in self.records if channel is Channel.RUN
        ]
        return level, message

    def verdict(self) -> tuple[Verdict, str | None]:
        ((_, outcome),) = self.results
        return outcome.verdict, outcome.reason

    def traceback(self) -> str | None:
        return self.results[0][1].traceback


@dataclass
class Rig:
    """A build in the making."""

    workspace: Workspace
    told: Told = field(default_factory=Told)
    stop: StopFlag = field(default_factory=StopFlag)
    spec: TaskSpec = SPEC
    build: BuildSpec = field(default_factory=lambda: BuildSpec(()))
    secret: frozenset[str] = frozenset()

    def actions(self, *actions: str | Action) -> None:
        made = (Action(action) if isinstance(action, str) else action for action in actions)
        self.build = replace(self.build, actions=tuple(made))

    def set(self, **fields: object) -> None:
        """Of the BuildSpec."""
        self.build = replace(self.build, **fields)  # type: ignore[arg-type]

    def value(self, source: Source, **values: object) -> None:
        given = {name: Value(source, value) for name, value in values.items()}
        self.build = replace(self.build, values={**self.build.values, **given})

    async def run(self, seconds: float = 30) -> Told:
        params, secrets = told(self.build, self.secret)
        spec = replace(self.spec, params=params, secrets=secrets)
        async with asyncio.timeout(seconds):
            await build.run(spec, self.workspace, self.told, self.stop)
        return self.told


def new_rig(folder: Path) -> Rig:
    workspace = Workspace(folder / "pack", folder / "scratch", folder / "cache")
    for each in (workspace.scratch, workspace.cache):
        each.mkdir()
    return Rig(workspace)


def unstamped(lines: bytes) -> str:
    return re.sub(rb"(?m)^\S+ ", b"", lines).decode()


def is_alive(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
