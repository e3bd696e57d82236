"""All executors, one a kind of test."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from anyrig.core.messages import TaskSpec
from anyrig.executors.base import Executor, Reporter, Stop, Workspace


@dataclass(slots=True)
class Later:
    """An executor whose module is imported when it first runs: agents pay for what they use."""

    KIND: str

    async def run(self, spec: TaskSpec, workspace: Workspace, reporter: Reporter, stop: Stop) -> None:
        executor = cast("Executor", import_module(f"anyrig.executors.{self.KIND}"))
        await executor.run(spec, workspace, reporter, stop)


EXECUTORS: dict[str, Executor] = {
    "build": Later("build"),
    "command": Later("command"),
    "python": Later("python"),
}
"""Kind -> executor."""
