"""Where the actions of a build run: on the agent's machine, on others, or in containers."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from anyrig.core.build_spec import BuildSpec
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.extensions.ssh_exec import Ssh
from anyrig.core.messages import TaskSpec
from anyrig.executors.base import Stop, Workspace
from anyrig.executors.build.docker import Containers
from anyrig.executors.build.local import Local
from anyrig.executors.build.ran import Place
from anyrig.executors.build.voice import Voice


@asynccontextmanager
async def opened(
    build: BuildSpec, spec: TaskSpec, workspace: Workspace, voice: Voice, stop: Stop
) -> AsyncIterator[Place]:
    """The place that the build asks for."""
    match build.elsewhere:
        case Ssh() as wanted:
            # its library takes as long to import as a hundred actions to run
            ssh = await to_thread(import_module, "anyrig.executors.build.ssh")
            async with ssh.on_hosts(wanted, build, spec, workspace, voice, stop) as place:
                yield place
        case Docker() as wanted:
            yield Containers(wanted, build, spec, voice, stop)
        case _:
            yield Local(build, spec, stop)
