"""Pictures that ffmpeg reads for us."""

import asyncio
import fcntl
import os
import select
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from io import FileIO

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import NoVideo
from anyrig.devices.base import Canvas
from anyrig.devices.programs.running import Program, found, running
from anyrig.devices.programs.work import in_thread

_PIPE_BYTES = 1024 * 1024
"""What an unprivileged process may have in a pipe (pipe(7)): a picture takes few turns."""
_OPENING = 20.0
"""Seconds until the first picture: a camera or a stream takes its time."""
_QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")
_LOOK = 0.2
"""Seconds between two looks whether to stop."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that ffmpeg can read."""

    name: str
    """For people."""
    options: tuple[str, ...]
    """Of ffmpeg's, up to and with ``-i``."""


class Stream:
    """A Screen whose pictures ffmpeg reads, and scales to the device's size."""

    def __init__(self, source: Source, config: DeviceConfig) -> None:
        self._source = source
        self._patience = config.patience
        self.name = source.name

    async def run(self, canvas: Canvas) -> None:
        try:
            async with ffmpeg(_options(self._source, canvas)) as (program, pipe):
                pictures = _Pictures(pipe.fileno(), canvas, self._patience)
                await in_thread(pictures.read)
                await asyncio.wait([program.ended], timeout=_LOOK)
                raise NoVideo(source=self.name, because=f": {pictures.end}{self._words(program)}")
        except OSError as error:
            raise NoVideo(source=self.name, because=f": {error.strerror}") from error

    def _words(self, program: Program) -> str:
        """The last ones of ffmpeg, without the password that an address may have."""
        words = program.words.replace(self._source.options[-1], self.name)
        return f"; ffmpeg: {words}" if words else ""


class _Pictures:
    """Reads pictures from a pipe straight to where they are shown."""

    def __init__(self, fd: int, canvas: Canvas, patience: float) -> None:
        self._fd, self._canvas = fd, canvas
        self._patience = patience
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self.end = ""

    def read(self, stop: threading.Event) -> None:
        """Until there are no more; ``end`` then says why."""
        patience = max(self._patience, _OPENING)
        while not stop.is_set() and self._one(stop, patience):
            patience = self._patience

    def _one(self, stop: threading.Event, patience: float) -> bool:
        until = time.monotonic() + patience
        self.end = f"no new picture for {patience:g} s"
        room = self._canvas.blank().reshape(-1).data
        at = 0.0
        while room:
            if not self._wait(stop, until):
                return False
            at = at or time.time()
            count = os.readv(self._fd, [room])
            if not count:
                self.end = "it has ended"
                return False
            room = room[count:]
        self._canvas.show(at)
        return True

    def _wait(self, stop: threading.Event, until: float) -> bool:
        while not self._poll.poll(_LOOK * 1000):
            if stop.is_set() or time.monotonic() > until:
                return False
        return True


def _options(source: Source, canvas: Canvas) -> list[str]:
    scaled = f"fps={canvas.fps:g},scale={canvas.width}:{canvas.height}"
    return [*source.options, "-map", "0:v:0", "-vf", scaled, "-pix_fmt", "bgr24", "-f", "rawvideo", "pipe:1"]


@asynccontextmanager
async def ffmpeg(options: Sequence[str], *, feeds: bool = False) -> AsyncIterator[tuple[Program, FileIO]]:
    """Runs ffmpeg, with our end of a pipe: of its standard output, or of its standard input.

    Raises:
        OSError: It cannot be started.
    """
    reading, writing = os.pipe()
    ours, theirs = (
        (FileIO(writing, "w"), FileIO(reading)) if feeds else (FileIO(reading), FileIO(writing, "w"))
    )
    with suppress(OSError):
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with ours:
        async with AsyncExitStack() as stack:
            with theirs:
                argv = [found("ffmpeg"), *_QUIET, *options]
                start = running(argv, stdin=theirs) if feeds else running(argv, stdout=theirs)
                program = await stack.enter_async_context(start)
            yield program, ours
