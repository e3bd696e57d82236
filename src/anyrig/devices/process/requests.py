"""What a device's clients may ask, and what is done for it (``core.devices``)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

from anyrig.core.devices import Remote
from anyrig.core.errors import AnyrigError, Invalid, NoVideo
from anyrig.devices.process.keys import Keys
from anyrig.devices.process.life import Life
from anyrig.devices.process.pictures import Pictures
from anyrig.devices.process.recording import Recorder
from anyrig.devices.process.ring import Frame, Ring

Request = Mapping[str, Any]
_LONGEST = 3600.0
"""Seconds that a client may wait for a frame, or hold a key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's fields, what follows it, and the file descriptor that goes with it."""

    fields: dict[str, Any]
    body: bytes = b""
    fd: int | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """The device, as all clients share it."""

    ring: Ring
    life: Life
    keys: Keys
    pictures: Pictures
    recorder: Recorder


@dataclass(slots=True, eq=False)
class Client:
    """One connection, and what it has of the device."""

    device: Shared
    leased: Counter[int] = field(default_factory=Counter)
    down: list[str] = field(default_factory=list)

    async def leave(self) -> None:
        """Give everything back."""
        for slot, count in self.leased.items():
            self.device.ring.release(slot, count)
        await self.device.recorder.abandon(self)
        for key in self.down:
            with suppress(AnyrigError):
                await self.device.keys.up(key)


async def answer(client: Client, request: Request) -> Answer | None:
    """None if there is none. Raises Invalid, and what the device has to say."""
    operation = OPERATIONS.get(_text(request, "op"))
    if operation is None:
        raise Invalid(reason=f"there is no op '{request['op']}', only {', '.join(OPERATIONS)}")
    return await operation(client, request)


async def _hello(client: Client, _: Request) -> Answer:
    ring, life = client.device.ring, client.device.life
    size = {"width": ring.width, "height": ring.height, "slots": ring.slots}
    return Answer({**size, "fps": ring.fps, "name": life.name}, fd=ring.fd)


async def _frame(client: Client, request: Request) -> Answer:
    after = _number(request, "after", 0)
    frame = await client.device.life.frame(int(after), min(_number(request, "timeout", 10.0), _LONGEST))
    leased = client.device.ring.lease(frame)
    if leased:
        client.leased[frame.slot] += 1
    return Answer({**_said(frame), "slot": frame.slot, "leased": leased})


async def _release(client: Client, request: Request) -> None:
    slot = int(_number(request, "slot"))
    if client.leased[slot] > 0:
        client.leased[slot] -= 1
        client.device.ring.release(slot)


async def _holds(client: Client, request: Request) -> Answer:
    slot, seq = int(_number(request, "slot")), int(_number(request, "seq"))
    return Answer({"holds": client.device.ring.holds(slot, seq)})


async def _press(client: Client, request: Request) -> Answer:
    hold = None if request.get("hold") is None else min(_number(request, "hold"), _LONGEST)
    start, end = await client.device.keys.press(_text(request, "key"), hold)
    return Answer({"start": start, "end": end})


async def _down(client: Client, request: Request) -> Answer:
    key = _text(request, "key")
    client.down.append(key)  # before it is: it must go up even if we never learn that it went down
    return Answer({"time": await client.device.keys.down(key)})


async def _up(client: Client, request: Request) -> Answer:
    key = _text(request, "key")
    at = await client.device.keys.up(key)
    if key in client.down:
        client.down.remove(key)
    return Answer({"time": at})


async def _remote(client: Client, request: Request) -> Answer:
    keymap = request.get("keymap") or {}
    if not isinstance(keymap, dict) or not all(isinstance(name, str) for name in keymap.values()):
        raise Invalid(reason="keymap is not a table of names")
    remote = Remote(_text(request, "name", ""), keymap, _text(request, "text", ""))
    await client.device.keys.use(remote)
    return Answer({})


async def _screenshot(client: Client, request: Request) -> Answer:
    width = None if request.get("width") is None else int(_number(request, "width"))
    encoded = await client.device.pictures.encode(_text(request, "format"), width)
    if encoded is None:
        raise _trouble(client)
    frame, body = encoded
    return Answer({**_said(frame), "length": len(body)}, body)


async def _record(client: Client, request: Request) -> Answer:
    file = Path(_text(request, "file"))
    if not file.is_absolute() or not file.parent.is_dir():
        raise Invalid(reason=f"'{file}' is no file to record to: its folder is not there")
    if not client.device.recorder.begin(client, file):
        raise _trouble(client)
    return Answer({"time": time()})


async def _end_record(client: Client, _: Request) -> Answer:
    recorded = await client.device.recorder.end(client)
    return Answer({"seconds": recorded.seconds, "frames": recorded.frames})


async def _health(client: Client, _: Request) -> Answer:
    trouble = client.device.life.trouble
    return Answer(
        {
            "fps": client.device.ring.frames_per_second(time()),
            "trouble": None if trouble is None else str(trouble),
        }
    )


OPERATIONS: dict[str, Callable[[Client, Request], Awaitable[Answer | None]]] = {
    "hello": _hello,
    "frame": _frame,
    "release": _release,
    "holds": _holds,
    "press": _press,
    "down": _down,
    "up": _up,
    "remote": _remote,
    "screenshot": _screenshot,
    "record": _record,
    "end_record": _end_record,
    "health": _health,
}


def _said(frame: Frame) -> dict[str, Any]:
    return {"seq": frame.seq, "time": frame.time}


def _trouble(client: Client) -> NoVideo:
    return client.device.life.trouble or NoVideo(source=client.device.life.name, because="")


def _number(request: Request, name: str, default: float | None = None) -> float:
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Invalid(reason=f"{name} is not a number")
    return value


def _text(request: Request, name: str, default: str | None = None) -> str:
    value = request.get(name, default)
    if not isinstance(value, str):
        raise Invalid(reason=f"{name} is not text")
    return value
