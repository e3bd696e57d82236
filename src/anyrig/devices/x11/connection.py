"""Just enough of the X protocol to press keys (X Window System Protocol, version 11; XTEST 2.2).

The X library would end this process with the X server, and a program that presses keys says too late, and on
its standard error, that it has not.
"""

import asyncio
import os
import re
import struct
from contextlib import suppress
from pathlib import Path

from anyrig.core.errors import ControlFailed, Invalid

PRESS = 2
RELEASE = 3
_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - where X has them
_CHANGE_KEYBOARD_MAPPING, _GET_KEYBOARD_MAPPING = 100, 101
_GET_INPUT_FOCUS = 43
_QUERY_EXTENSION = 98
_FAKE_INPUT = 2
_ERROR, _REPLY, _MAPPING_NOTIFY = 0, 1, 34
_MESSAGE = 32
"""Bytes of each message of the server's; a reply may go on after it."""
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_PATIENCE = 5.0
"""Seconds for an answer of the server's."""

Mapping = list[tuple[int, ...]]
"""For each key code from the first on: its keysyms, without and with shift."""


class XConnection:
    """A connection to an X server of this machine. Not for use by two tasks at once."""

    def __init__(self, display: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.display = display
        self._reader, self._writer = reader, writer
        self._xtest = 0
        self._last = 0
        self.first = 0
        """The lowest key code."""
        self.mapping_is_old = True
        """Somebody has changed the keyboard since ``mapping`` was asked for."""

    @classmethod
    async def open(cls, display: str) -> "XConnection":
        """Raises ControlFailed, Invalid (a display that is not this machine's)."""
        number = display_number(display)
        try:
            ends = await asyncio.open_unix_connection(str(_SOCKETS / f"X{number}"))
        except OSError as error:
            raise _failed(display, error.strerror or str(error)) from error
        connection = cls(display, *ends)
        try:
            await connection._greet(_cookie(number))
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        self._writer.close()

    async def ended(self) -> None:
        """Returns when the server has ended, or does not want us any more. Nothing else can be asked then."""
        with suppress(OSError):
            while await self._reader.read(_MESSAGE):
                pass

    async def mapping(self) -> Mapping:
        """What each key code stands for now."""
        self.mapping_is_old = False
        count = self._last - self.first + 1
        reply = await self._ask(struct.pack("<BxHBBxx", _GET_KEYBOARD_MAPPING, 2, self.first, count))
        width = reply[1]
        syms = struct.unpack_from(f"<{count * width}I", reply, _MESSAGE)
        return [syms[at : at + width] for at in range(0, len(syms), width)]

    async def map(self, code: int, keysym: int) -> None:
        """Let a key code stand for a keysym, with and without shift."""
        request = struct.pack("<BBHBBxxII", _CHANGE_KEYBOARD_MAPPING, 1, 4, code, 2, keysym, keysym)
        await self._ask(request + _sync())

    async def key(self, kind: int, *codes: int) -> None:
        """Press or let go of keys, one after the other; returns when the server has done it."""
        requests = b"".join(
            struct.pack("<BBHBBxxII20x", self._xtest, _FAKE_INPUT, 9, kind, code, 0, 0) for code in codes
        )
        await self._ask(requests + _sync())

    async def _greet(self, cookie: bytes) -> None:
        name = _COOKIE if cookie else b""
        hello = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
        head = await self._exchange(hello + _padded(name) + _padded(cookie), 8)
        status, reason, length = struct.unpack("<BBxxxxH", head)
        body = await self._exchange(b"", length * 4)
        if status != 1:
            raise _failed(self.display, body[:reason].decode(errors="replace"))
        self.first, self._last = body[26], body[27]
        request = struct.pack("<BxHHxx", _QUERY_EXTENSION, 4, 5) + _padded(b"XTEST")
        reply = await self._ask(request)
        if not reply[8]:
            raise _failed(self.display, "the server has no XTEST")
        self._xtest = reply[9]

    async def _ask(self, requests: bytes) -> bytes:
        """Send requests of which the last has a reply, and return that."""
        message = await self._exchange(requests, _MESSAGE)
        while message[0] != _REPLY:
            if message[0] == _ERROR:
                raise _failed(self.display, f"the X server answers with error {message[1]}")
            if message[0] & 0x7F == _MAPPING_NOTIFY:
                self.mapping_is_old = True
            message = await self._exchange(b"", _MESSAGE)
        more = int.from_bytes(message[4:8], "little") * 4
        return message + await self._exchange(b"", more)

    async def _exchange(self, sent: bytes, count: int) -> bytes:
        try:
            async with asyncio.timeout(_PATIENCE):
                self._writer.write(sent)
                return await self._reader.readexactly(count)
        except (OSError, EOFError, TimeoutError) as error:
            raise _failed(self.display, "the X server does not answer") from error


def display_number(display: str) -> int:
    """Of ``:99`` or ``:99.0``. Raises Invalid."""
    match = re.fullmatch(r":(\d{1,5})(\.\d+)?", display)
    if not match:
        raise Invalid(reason=f"display '{display}' is not one of this machine, such as :0")
    return int(match[1])


def _sync() -> bytes:
    """A request with a reply, which comes when all before it has been done."""
    return struct.pack("<BxH", _GET_INPUT_FOCUS, 1)


def _failed(display: str, reason: str) -> ControlFailed:
    return ControlFailed(control=f"x11 {display}", reason=reason)


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 4)


def _cookie(number: int) -> bytes:
    """The key to a display, from the file of Xau(3); empty if there is none."""
    try:
        data = Path(os.environ.get("XAUTHORITY") or Path.home() / ".Xauthority").read_bytes()
        return next((key for whose, key in _entries(data) if whose in {b"", str(number).encode()}), b"")
    except (OSError, RuntimeError, struct.error):
        return b""


def _entries(data: bytes) -> list[tuple[bytes, bytes]]:
    """Display number (empty: any) and key of each entry: family, address, number, name, data."""
    entries, at = [], 0
    while at < len(data):
        at += 2
        fields = []
        for _ in range(4):
            (length,) = struct.unpack_from(">H", data, at)
            fields.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        if fields[2] == _COOKIE:
            entries.append((fields[1], fields[3]))
    return entries
