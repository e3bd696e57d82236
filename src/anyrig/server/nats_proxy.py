"""The way to NATS through our own port: agents that can reach nothing else speak WebSocket to ``/nats``.

Binary frames go both ways as they are. Who may do what is decided by NATS alone, from what the frames say.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial

from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

CONNECT_TIMEOUT = 5.0
CLOSE_TIMEOUT = 1.0
_TRY_AGAIN = 1013
"""RFC 6455 and the registry of IANA: the server closes because of a passing condition."""


def nats_route(upstream: str) -> WebSocketRoute:
    """The route ``/nats``; ``upstream`` is NATS's own listener, such as ``ws://127.0.0.1:41234``."""
    return WebSocketRoute("/nats", partial(proxy, upstream))


async def proxy(upstream: str, client: WebSocket) -> None:
    """Pipe frames between an agent and NATS until one of them closes; a slow reader slows its writer down."""
    try:
        nats = await connect(
            upstream,
            open_timeout=CONNECT_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            ping_interval=None,  # NATS has its own heartbeat
            compression=None,
            max_size=None,
            proxy=None,
        )
    except (OSError, TimeoutError, WebSocketException):
        await client.send_denial_response(PlainTextResponse("NATS is not there", status_code=503))
        return
    async with nats:
        await client.accept()
        await _first_of(_upward(client, nats), _downward(nats, client))
    with suppress(WebSocketDisconnect):
        if client.client_state is WebSocketState.CONNECTED:
            await client.close(_TRY_AGAIN)


async def _first_of(*ways: Coroutine[None, None, None]) -> None:
    """Run both until one ends."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _upward(client: WebSocket, nats: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        # The end of the connection and a text frame, which NATS does not speak, have no bytes.
        while frame := (await client.receive()).get("bytes"):
            await nats.send(frame)


async def _downward(nats: ClientConnection, client: WebSocket) -> None:
    with suppress(ConnectionClosed, WebSocketDisconnect):
        while True:
            await client.send_bytes(await nats.recv(decode=False))
