"""A connection to a device's process, for asyncio."""

import asyncio
import itertools
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyrig.core import devices
from anyrig.core.errors import (
    AnyrigError,
    ControlFailed,
    Invalid,
    NoControl,
    NoVideo,
    Unavailable,
    UnknownKey,
)

_LONGEST_LINE = 1024 * 1024
_ERRORS: dict[str, type[AnyrigError]] = {
    devices.NO_VIDEO: NoVideo,
    devices.UNKNOWN_KEY: UnknownKey,
    devices.NO_CONTROL: NoControl,
    devices.INVALID: Invalid,
}


class LinkLostError(ConnectionError):
    """The device's process is gone."""


class Link:
    """Asks, several things at once if need be. ``lost`` is set when the process is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.lost = asyncio.Event()

    @classmethod
    async def open(cls, path: Path) -> "Link":
        """Raises OSError."""
        return cls(*await asyncio.open_unix_connection(str(path), limit=_LONGEST_LINE))

    def close(self) -> None:
        self._writer.close()

    async def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """The answer's fields; ``body`` is what follows them.

        Raises:
            LinkLostError: The process is gone.
            NoVideo, UnknownKey, NoControl, ControlFailed, Invalid, Unavailable: What the device said.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            if self.lost.is_set():
                raise LinkLostError
            self._writer.write(json.dumps({"id": number, "op": op, **fields}).encode() + b"\n")
            said = await answer
        finally:
            del self._asked[number]
        if "error" in said:
            raise _error(said)
        return said

    def tell(self, op: str, **fields: object) -> None:
        """What has no answer."""
        self._writer.write(json.dumps({"op": op, **fields}).encode() + b"\n")

    async def read(self) -> None:
        """Hand out answers until the process is gone."""
        try:
            with suppress(OSError, EOFError):
                while True:
                    await self._one()
        finally:
            self.lost.set()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(LinkLostError())

    async def _one(self) -> None:
        said: dict[str, Any] = json.loads(await self._reader.readuntil())
        if "length" in said:
            said["body"] = await self._reader.readexactly(said["length"])
        answer = self._asked.get(said["id"])
        if answer is not None and not answer.done():
            answer.set_result(said)


def _error(said: dict[str, Any]) -> AnyrigError:
    kind = _ERRORS.get(said["error"], ControlFailed)
    try:
        return kind(**said.get("fields", {}))
    except KeyError:  # the fields of another kind of error
        return Unavailable(what="the device", reason=said["reason"])
