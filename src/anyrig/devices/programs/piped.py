"""Programs that we talk to: what they read we write, what they write we read."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from anyrig.devices.programs.running import Program, running

LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Piped:
    """A program that runs, and both ends of the talk with it."""

    program: Program
    reader: asyncio.StreamReader
    """Its standard output."""
    writer: asyncio.StreamWriter
    """Its standard input."""


@asynccontextmanager
async def piped(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, limit: int = LIMIT
) -> AsyncIterator[Piped]:
    """Runs ``argv`` as ``running`` does. ``limit``: bytes of the longest line that ``reader`` gives.

    Raises:
        OSError: It cannot be started.
    """
    async with AsyncExitStack() as stack:
        theirs = AsyncExitStack()
        stdin, to = os.pipe()
        theirs.callback(os.close, stdin)
        writer = await _writer(stack, to)
        out, stdout = os.pipe()
        theirs.callback(os.close, stdout)
        reader = await _reader(stack, out, limit)
        async with theirs:
            program = await stack.enter_async_context(running(argv, env=env, stdin=stdin, stdout=stdout))
        yield Piped(program, reader, writer)


async def _reader(stack: AsyncExitStack, fd: int, limit: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    stack.callback(transport.close)
    return reader


async def _writer(stack: AsyncExitStack, fd: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(fd, "wb", buffering=0)
    )
    stack.callback(_abort, transport)
    return asyncio.StreamWriter(transport, protocol, None, loop)


def _abort(transport: asyncio.WriteTransport) -> None:
    if not transport.is_closing():  # it is when the other end went first
        transport.abort()
