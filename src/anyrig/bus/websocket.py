"""NATS over a WebSocket, by the ``websockets`` library.

nats-py brings such a transport on aiohttp, which takes no proxy from the environment here, and half a second
to import.
"""

import ssl
from typing import Any
from urllib.parse import ParseResult

from nats.aio.transport import Transport
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.protocol import State

_CLOSE_TIMEOUT = 1.0


class WebSocketTransport(Transport):
    """One WebSocket; what is written goes out as one frame at the next ``drain``."""

    def __init__(self) -> None:
        self._socket: ClientConnection | None = None
        self._pending: list[bytes] = []

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:  # noqa: ARG002 - nats-py's
        await self._open(uri.geturl(), connect_timeout)

    async def connect_tls(
        self,
        uri: str | ParseResult,
        ssl_context: ssl.SSLContext,
        buffer_size: int,  # noqa: ARG002 - nats-py's signature
        connect_timeout: int,
    ) -> None:
        if self._socket is None:  # else nats-py asks for TLS again, because the server's INFO wants it
            address = uri if isinstance(uri, str) else uri.geturl()
            await self._open(address, connect_timeout, ssl=ssl_context)

    async def _open(self, address: str, within: float, **options: Any) -> None:
        try:
            self._socket = await connect(
                address,
                open_timeout=within,
                close_timeout=_CLOSE_TIMEOUT,
                ping_interval=None,  # the link has its own heartbeat
                compression=None,
                max_size=None,
                **options,
            )
        except WebSocketException as error:
            raise ConnectionError(f"no WebSocket at {address}: {error}") from error

    def write(self, payload: bytes) -> None:
        self._pending.append(payload)

    def writelines(self, payload: list[bytes]) -> None:
        self._pending.extend(payload)

    async def drain(self) -> None:
        frame, self._pending = b"".join(self._pending), []
        if frame and self._socket is not None:
            try:
                await self._socket.send(frame)
            except ConnectionClosed as error:
                raise ConnectionResetError(str(error)) from error

    async def read(self, buffer_size: int) -> bytes:  # noqa: ARG002 - a frame comes whole
        return await self.readline()

    async def readline(self) -> bytes:
        """One frame; empty at the end."""
        if self._socket is None:
            return b""
        try:
            frame = await self._socket.recv(decode=False)
        except ConnectionClosed:
            return b""
        return frame

    def close(self) -> None:
        """The closing handshake takes place in ``wait_closed``."""

    async def wait_closed(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def at_eof(self) -> bool:
        return self._socket is None or self._socket.state is State.CLOSED

    def __bool__(self) -> bool:
        return True
