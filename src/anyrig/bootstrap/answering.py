"""The HTTP side of a server: from its first request to the end of its last one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from anyrig.engine.waiting import Waiters

_GRACE = 3
"""Seconds that requests get to end by themselves, such as downloads."""
_UNHEARD = 0.5
"""Seconds that somebody gets to ask who was let in just before the end."""


@asynccontextmanager
async def answering(
    app: ASGIApp, listening: socket.socket, waiters: Waiters, proxies: Sequence[str]
) -> AsyncIterator[None]:
    """Requests are answered within the block; at its end, whoever waits for something is told so at once.

    Only ``proxies``, addresses and networks, are believed when they say for whom they ask.
    """
    ending = _Ending(app)
    server = _Server(_config(ending, proxies))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        await server.listening.wait()
        try:
            yield
        finally:
            ending.has_begun = True
            waiters.close()
            server.should_exit = True


def _config(app: ASGIApp, proxies: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Connection,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        forwarded_allow_ips=list(proxies),
        server_header=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE,
    )


class _Connection(HttpToolsProtocol):
    """Nobody who was let in is cut off unheard: not even while their first request is on its way."""

    def shutdown(self) -> None:
        if self.cycle is None:
            self.loop.call_later(_UNHEARD, super().shutdown)
        else:
            super().shutdown()


class _Ending:
    """Ends quietly what uvicorn cancels after the grace; it would log that as an error of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self.has_begun:
                raise


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
