"""The end of a server's HTTP side, as somebody sees it who has just come in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from anyrig.bootstrap.answering import answering
from anyrig.engine.waiting import Waiters

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SECONDS = 20.0
Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"hello {Request(scope).url.path}")(scope, receive, send)


class Door:
    """Where callers come in, until it is told to close."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._close = asyncio.Event()
        self.opened = asyncio.Event()

    async def stand(self) -> None:
        async with answering(hello, self._listening, Waiters(), ()):
            self.opened.set()
            await self._close.wait()

    def close(self) -> None:
        self._close.set()

    async def caller(self) -> Caller:
        return await asyncio.open_connection(*self._listening.getsockname())


@asynccontextmanager
async def standing() -> AsyncIterator[Door]:
    door = Door(socket.create_server(("127.0.0.1", 0)))
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        group.create_task(door.stand())
        await door.opened.wait()
        yield door
        door.close()


async def answered(caller: Caller) -> None:
    reader, writer = caller
    writer.write(REQUEST)
    assert (await reader.readuntil(b"\r\n")).split()[1] == b"200"
    assert (await reader.readuntil(b"hello /")).endswith(b"hello /")


async def is_shown_out(caller: Caller) -> None:
    assert await caller[0].read() == b""
    caller[1].close()


async def test_who_is_in_and_has_not_asked_yet_may_still_ask() -> None:
    async with standing() as door:
        fresh, idle = await door.caller(), await door.caller()
        await answered(idle)
        door.close()
        await is_shown_out(idle)
        await answered(fresh)
        await is_shown_out(fresh)


async def test_who_never_asks_does_not_keep_it_open() -> None:
    async with standing() as door:
        silent, other = await door.caller(), await door.caller()
        await answered(other)
        door.close()
        await is_shown_out(other)
        await is_shown_out(silent)
