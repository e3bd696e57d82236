"""One client's connection: its requests in, the answers out.

Requests are done side by side, each in a task of its own. What a client sends that makes no sense is refused
if it is a request, and ends the connection if it is none; nobody else notices.
"""

import asyncio
import json
import logging
import socket
from typing import Any

from anyrig.core import devices
from anyrig.core.errors import AnyrigError, ControlFailed, Invalid, NoControl, NoVideo, UnknownKey
from anyrig.devices.process.requests import Answer, Client, Request, Shared, answer

log = logging.getLogger(__name__)
_LONGEST_LINE = 1024 * 1024
"""Bytes: the words of a remote control's configuration are one line."""
_READ = 64 * 1024
_MOST = 100
"""Requests of one client that are being done; it has to wait with the next."""
_CODES: dict[type[AnyrigError], str] = {
    NoVideo: devices.NO_VIDEO,
    UnknownKey: devices.UNKNOWN_KEY,
    NoControl: devices.NO_CONTROL,
    ControlFailed: devices.BROKEN,
    Invalid: devices.INVALID,
}
"""The first that fits; else BROKEN."""


class Connection:
    """``serve`` until the client goes."""

    def __init__(self, sock: socket.socket, device: Shared) -> None:
        self._sock = sock
        self._client = Client(device)
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._room = asyncio.Semaphore(_MOST)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        try:
            await self._read()
        except (OSError, ValueError, RecursionError) as error:
            log.info("a client is sent away: %s", error)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._sock.close()
            await self._client.leave()

    async def _read(self) -> None:
        """Raises ValueError, RecursionError: That is no request."""
        data = b""
        while piece := await self._loop.sock_recv(self._sock, _READ):
            *lines, data = (data + piece).split(b"\n")
            for line in lines:
                await self._begin(_request(line))
            if len(data) > _LONGEST_LINE:
                raise ValueError("a line that is too long")

    async def _begin(self, request: Request) -> None:
        await self._room.acquire()
        task = asyncio.create_task(self._do(request))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    async def _do(self, request: Request) -> None:
        try:
            said = await answer(self._client, request)
        except AnyrigError as error:
            said = Answer(_refusal(error))
        except Exception as error:
            log.exception("%s", request.get("op"))
            said = Answer(_refusal(ControlFailed(control=self._client.device.life.name, reason=repr(error))))
        if said is not None:
            try:
                await self._send(request.get("id"), said)
            except OSError:
                self._sock.close()  # it does not read, or is gone

    async def _send(self, number: Any, said: Answer) -> None:
        data = json.dumps({"id": number, **said.fields}).encode() + b"\n" + said.body
        async with self._sending:
            if said.fd is not None:
                data = data[socket.send_fds(self._sock, [data], [said.fd]) :]
            await self._loop.sock_sendall(self._sock, data)


def _request(line: bytes) -> Request:
    """Raises ValueError, RecursionError."""
    request = json.loads(line)
    if not isinstance(request, dict):
        raise ValueError("a request that is no object")  # noqa: TRY004 - as what json raises
    return request


def _refusal(error: AnyrigError) -> dict[str, Any]:
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), devices.BROKEN)
    return {"error": code, "reason": str(error), "fields": {name: str(f) for name, f in error.fields.items()}}
