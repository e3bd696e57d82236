"""Infrared keys, sent by lircd, which may run on another machine (``lircd --listen``)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, UnknownKey
from anyrig.devices.addresses import host_and_port, words
from anyrig.devices.base import Control
from anyrig.devices.lirc.words import Replies, Reply, remotes

KIND = "lirc"
PORT = 8765
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""lircd answers when the signal is out, which for long codes with repeats takes its time."""
_UNKNOWN = ("unknown remote", "unknown command")
"""How lircd's words begin when it has no such key."""


@asynccontextmanager
async def open_control(options: dict[str, Any]) -> AsyncIterator[Control]:
    """``address``: of lircd, host or host:port; ``remote``: its name, for packs that do not say."""
    host, port = host_and_port(options["address"], PORT)
    lirc = Lirc(host, port, options.get("remote", ""))
    try:
        await lirc.open()
        yield lirc
    finally:
        lirc.close()


class Lirc:
    """Not for use by two tasks at once, as its caller sees to."""

    def __init__(self, host: str, port: int, remote: str) -> None:
        self._where = host, port
        self._name = f"lirc {host}:{port}"
        self._configured = remote
        self._remotes: dict[str, frozenset[str]] = {}
        self._remote = remote
        self._replies = Replies()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Raises ControlFailed."""
        await self._connected()

    def close(self) -> None:
        """What is to come goes over a new connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams, self._replies = None, Replies()

    async def press(self, key: str, hold: float | None) -> None:
        if hold is None:
            await self._send("SEND_ONCE", key)
            return
        await self._send("SEND_START", key)
        try:
            await asyncio.sleep(hold)
        finally:
            await asyncio.shield(self._send("SEND_STOP", key))

    async def down(self, key: str) -> None:
        await self._send("SEND_START", key)

    async def up(self, key: str) -> None:
        await self._send("SEND_STOP", key)

    async def use(self, remote: Remote) -> None:
        self._remotes = remotes(remote.text)
        self._remote = next(iter(self._remotes), remote.name) or self._configured

    async def _send(self, way: str, key: str) -> None:
        remote = self._of(key)
        if not key or key.split() != [key]:
            raise UnknownKey(control=self._name, key=key)
        if not remote or remote.split() != [remote]:
            raise self._failed(key, f"'{remote}' is no name of a remote control of lircd's")
        reply = await self._ask(f"{way} {remote} {key}")
        if reply.ok:
            return
        said = "; ".join(reply.data) or "lircd refuses it"
        if said.startswith(_UNKNOWN):
            raise UnknownKey(control=f"{self._name} ({said})", key=key)
        raise self._failed(key, said)

    def _of(self, key: str) -> str:
        """The first remote control of the pack's configuration that has the key."""
        return next((name for name, keys in self._remotes.items() if key in keys), self._remote)

    async def _ask(self, command: str) -> Reply:
        """Twice, if the first time was over an old connection, which lircd had closed."""
        fresh = self._streams is None
        for last in (fresh, True):
            try:
                return await self._ask_once(command)
            except (ConnectionError, asyncio.IncompleteReadError):
                if last:
                    break
        raise self._failed(command, "lircd closed the connection")

    async def _ask_once(self, command: str) -> Reply:
        reader, writer = await self._connected()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(f"{command}\n".encode())
                await writer.drain()
                return await self._answer(reader, command)
        except BaseException as error:
            self.close()  # an answer that comes later is not to be taken for that of the next command
            if isinstance(error, TimeoutError):
                raise self._failed(command, f"lircd did not answer within {ANSWER_SECONDS:g} s") from None
            raise

    async def _answer(self, reader: asyncio.StreamReader, command: str) -> Reply:
        """Between commands and answers lircd tells everybody of received keys and of a new configuration."""
        while True:
            line = (await reader.readuntil()).decode(errors="replace").rstrip("\r\n")
            reply = self._replies.take(line)
            if reply is not None and reply.command == command:
                return reply

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._streams = await asyncio.open_connection(*self._where)
            except TimeoutError:
                raise self._failed("", f"no connection within {CONNECT_SECONDS:g} s") from None
            except OSError as error:
                raise self._failed("", words(error)) from error
        return self._streams

    def _failed(self, what: str, reason: str) -> ControlFailed:
        return ControlFailed(control=self._name, reason=f"{what}: {reason}".removeprefix(": "))
