"""Run a program such that no process of it is left, whatever it or its children do."""

import asyncio
import marshal
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyrig.executors.base import Stop
from anyrig.executors.supervisors import Supervisor, supervised

Sink = Callable[[bytes], None]
_SLACK = 15.0
"""Seconds beyond the grace time until the supervisor itself counts as stuck."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended."""

    status: int | None
    """Its exit status, negative for the signal that ended it; None when it could not be started."""
    trouble: str = ""
    """Why it could not be started."""
    timed_out: bool = False
    stopped: bool = False


async def run_program(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stop: Stop,
    timeout: float | None,  # noqa: ASYNC109 - the limit is part of what happened: the Exit tells
    on_output: Sink,
    on_error: Sink | None = None,
    output_limit: int | None = None,
) -> Exit:
    """Run ``argv`` in ``cwd`` with exactly the environment ``env`` and an empty standard input.

    ``on_output`` gets its standard output as it comes (pieces of bytes, not lines), and its standard error
    too unless ``on_error`` is given. Beyond ``output_limit`` bytes of each, output is dropped and one line
    says so.
    On ``stop``, and after ``timeout`` seconds, every process of the program gets SIGTERM and after
    ``stop.grace`` seconds SIGKILL. When the program has ended, what it left running is killed at once. On
    return no process of it is left; nor when this coroutine is cancelled or this process is killed.
    """
    sinks = (on_output,) if on_error is None else (on_output, on_error)
    async with supervised(separate=on_error is not None) as supervisor:
        order = marshal.dumps(_order(argv, cwd, env))
        supervisor.writer.write(len(order).to_bytes(4, "big") + order)
        async with asyncio.TaskGroup() as group:
            for stream, sink in zip(supervisor.outputs, sinks, strict=True):
                group.create_task(_pump(stream, sink, output_limit))
            return await _end(group, supervisor, stop, timeout)


def _order(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str]
) -> tuple[list[bytes], bytes, dict[bytes, bytes]]:
    environment = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    return [os.fsencode(word) for word in argv], os.fsencode(cwd), environment


async def _end(
    group: asyncio.TaskGroup,
    supervisor: Supervisor,
    stop: Stop,
    timeout: float | None,  # noqa: ASYNC109 - see run_program
) -> Exit:
    """Wait for the program's end, and bring it about when it is stopped or takes too long."""
    answer = group.create_task(supervisor.reader.readline())
    stopping = group.create_task(stop.wait())
    await asyncio.wait({answer, stopping}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    stopped = stopping.done()
    stopping.cancel()
    if answer.done():
        return _exit(answer.result())
    supervisor.writer.write(b"stop %f\n" % stop.grace)
    async with asyncio.timeout(stop.grace + _SLACK):
        ended = _exit(await answer)
    return Exit(ended.status, ended.trouble, timed_out=not stopped, stopped=stopped)


def _exit(answer: bytes) -> Exit:
    word, _, rest = os.fsdecode(answer).strip().partition(" ")
    if word == "exit":
        return Exit(status=int(rest))
    return Exit(status=None, trouble=rest or "its supervisor was killed")


async def _pump(stream: asyncio.StreamReader, sink: Sink, limit: int | None) -> None:
    """Hand on what a stream brings until its end."""
    left = sys.maxsize if limit is None else limit
    while piece := await stream.read(_PIECE):
        if left > 0:
            sink(piece[:left])
            if len(piece) > left:
                sink(f"\n(Output beyond the limit of {limit} bytes was dropped.)\n".encode())
        left -= len(piece)
