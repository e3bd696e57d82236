"""A node's device, as its agent looks after it: how it is, and what servers ask of it at any time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from anyrig.bus import codec, subjects
from anyrig.bus.client import Bus
from anyrig.bus.handlers import Message
from anyrig.core.errors import AnyrigError, Invalid
from anyrig.core.messages import PictureReply, PictureRequest, PressRequest
from anyrig.devices.client import DeviceProcess, Picture

_LOOK_SECONDS = 1.0
_PIECE = 900_000
"""Bytes of a picture in one message: NATS allows a megabyte unless it is told otherwise."""
_KEPT = 4
"""Pictures of which the rest may still be asked for."""


class Rig:
    """Serves the device of one node to the servers."""

    def __init__(self, node: str, device: DeviceProcess) -> None:
        self.node = node
        self.device = device
        self.trouble: str | None = "no video yet"
        self._kept: dict[tuple[str, int | None, int], bytes] = {}

    async def serve(self, bus: Bus, changed: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled; calls ``changed`` when there is a trouble, or none any more."""
        await bus.subscribe(subjects.rpc(self.node, "picture"), self._on_picture)
        await bus.subscribe(subjects.rpc(self.node, "press"), self._on_press, concurrency=1)
        while True:
            trouble = await self._look()
            if trouble != self.trouble:
                self.trouble = trouble
                with suppress(AnyrigError):
                    await changed()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> str | None:
        try:
            return (await self.device.health()).trouble
        except AnyrigError as error:
            return str(error)

    async def _on_picture(self, message: Message) -> bytes:
        asked = codec.decode(PictureRequest, message.data)
        if asked.format not in {"png", "jpeg"}:
            raise Invalid(reason=f"'{asked.format}' is neither png nor jpeg")
        if asked.taken is None:
            taken, image = self._keep(asked, await self.device.screenshot(asked.format, asked.width))
        else:
            taken, image = asked.taken, self._kept.get((asked.format, asked.width, asked.taken), b"")
        if not image:
            raise Invalid(reason="the picture is not kept any more")
        reply = codec.encode(PictureReply(taken, len(image)))
        return reply + b"\n" + image[asked.offset : asked.offset + _PIECE]

    def _keep(self, asked: PictureRequest, picture: Picture) -> tuple[int, bytes]:
        """Remember it if it does not fit into one message."""
        taken = round(picture.time * 1e6)
        if len(picture.image) > _PIECE:
            self._kept[asked.format, asked.width, taken] = picture.image
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
        return taken, picture.image

    async def _on_press(self, message: Message) -> bytes:
        asked = codec.decode(PressRequest, message.data)
        if asked.remote is not None:
            await self.device.use(asked.remote)
        await self.device.press(asked.key, asked.hold)
        return b""
