"""An X server without a screen, and the memory in which it draws.

Xvfb with ``-fbdir`` keeps its picture in a file in the format of xwd (X11/XWDFile.h), which anybody can map:
a picture is read without asking the server.
"""

import asyncio
import mmap
import os
import shutil
import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anyrig.core.errors import NoVideo
from anyrig.devices.base import Pixels
from anyrig.devices.process.ring import equal
from anyrig.devices.programs.running import Program, found, running

START_SECONDS = 20.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_SCREEN = "Xvfb_screen0"
_HEADER = struct.Struct(">20I")
"""The first numbers of an xwd header; always big-endian here."""
_XWD_VERSION = 7
_BITS_PER_PIXEL = 32
_COLOUR_BYTES = 12
_BAND = 48
"""Rows that are compared, and copied if they differ, at once: so much that the processor's cache holds it."""


@dataclass(frozen=True, slots=True)
class Xvfb:
    """A server that runs."""

    display: str
    program: Program
    framebuffer: "Framebuffer"


class Framebuffer:
    """Looks at the server's picture."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        fields = _HEADER.unpack_from(self._memory)
        offset, version, width, height = (fields[at] for at in (0, 1, 4, 5))
        bits, stride, colours = (fields[at] for at in (11, 12, 19))
        if version != _XWD_VERSION or bits != _BITS_PER_PIXEL or stride != width * 4:
            raise NoVideo(source="Xvfb", because=f": {bits} bits a pixel, {stride} bytes a row")
        start = offset + colours * _COLOUR_BYTES
        words = np.frombuffer(self._memory, np.uint32, width * height, start)
        self._bands = list(_bands(words, width * _BAND))
        self._seen = np.zeros(width * height, np.uint32)
        self._seen_bands = list(_bands(self._seen, width * _BAND))
        self._fresh = True

    def look(self) -> bool:
        """Read the picture; whether it differs from the one before."""
        changed, self._fresh = self._fresh, False
        for now, seen in zip(self._bands, self._seen_bands, strict=True):
            if not equal(now, seen):
                np.copyto(seen, now)
                changed = True
        return changed

    def write(self, pixels: Pixels) -> None:
        """Write the picture that was read: blue, green, red.

        Each pixel is written as four bytes, of which the next pixel overwrites the last: some ten times as
        fast as picking three out of four.
        """
        flat = pixels.reshape(-1)
        count = len(self._seen)
        overlapping = np.ndarray((count - 1,), np.uint32, buffer=flat.data, strides=(3,))
        overlapping[:] = self._seen[:-1]
        flat[-3:] = self._seen[-1:].view(np.uint8)[:3]


def _bands(words: NDArray[np.uint32], size: int) -> list[NDArray[np.uint32]]:
    return [words[start : start + size] for start in range(0, len(words), size)]


@asynccontextmanager
async def xvfb(width: int, height: int) -> AsyncIterator[Xvfb]:
    """A server with one screen of that size, on the first number that is free.

    Raises:
        NoVideo: It does not start.
    """
    reading, writing = os.pipe()
    async with AsyncExitStack() as stack:
        stack.callback(os.close, reading)
        folder = Path(stack.enter_context(_private_folder()))
        try:
            argv = [found("Xvfb"), *_options(width, height, folder, writing)]
            program = await stack.enter_async_context(running(argv, pass_fds=[writing]))
        except OSError as error:
            raise NoVideo(source="Xvfb", because=f": {error.strerror}") from error
        finally:
            os.close(writing)
        display = f":{await _number(program, reading)}"
        framebuffer = Framebuffer(folder / _SCREEN)
        shutil.rmtree(folder)  # mapped, the picture lives on, and nobody has to clean up after us
        yield Xvfb(display, program, framebuffer)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="anyrig-xvfb-", dir=where, ignore_cleanup_errors=True)


def _options(width: int, height: int, folder: Path, number: int) -> list[str]:
    said = ["-displayfd", str(number), "-screen", "0", f"{width}x{height}x24", "-fbdir", str(folder)]
    return [*said, "-nolisten", "tcp", "-noreset", "-nocursor", "-s", "0"]


async def _number(program: Program, reading: int) -> int:
    """What it writes once it is ready for clients."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[bytes] = loop.create_future()
    loop.add_reader(reading, lambda: _settle(said, reading))
    waited: list[asyncio.Future[Any]] = [said, program.ended]
    try:
        await asyncio.wait(waited, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(reading)
    if not said.done() or not said.result().strip().isdigit():
        raise NoVideo(source="Xvfb", because=f": it does not start; {program.words}")
    return int(said.result())


def _settle(said: "asyncio.Future[bytes]", reading: int) -> None:
    if not said.done():
        said.set_result(os.read(reading, 100))
