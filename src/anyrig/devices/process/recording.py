"""Recordings: an MP4 file with a picture for each 1/fps seconds from the moment it was asked for."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from anyrig.core.errors import Conflict, Unavailable
from anyrig.devices.process.feeding import Feed
from anyrig.devices.process.ring import Frame, Ring
from anyrig.devices.programs.ffmpeg import ffmpeg
from anyrig.devices.programs.running import Program
from anyrig.devices.programs.work import in_thread

_AT_LEAST = 1.0
"""Seconds after which an unchanged picture is sent again: ffmpeg, which repeats it, is never far behind."""
_WHOLE = 120.0
"""Seconds until the file is whole once the last picture has been sent."""
_KEY_FRAMES = 5.0
"""Seconds between two pictures at which a player can begin."""
_CODER = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "23", "-threads", "2")
"""A constant quantizer: to find a good one costs half as much again, and blurs text that has just come."""
_COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What has become of a recording."""

    seconds: float
    frames: int


class Recording:
    """One file in the making.

    Tick k shows the picture that was the newest at ``start + k / fps``. A picture is sent to ffmpeg once,
    with the number of its tick; ffmpeg repeats it until the next one. If ffmpeg falls behind, pictures are
    left out, never time.
    """

    def __init__(self, ring: Ring, first: Frame, file: Path) -> None:
        """``first`` is held by the caller for this recording, which lets go of it."""
        self._ring = ring
        self.file = file
        self._start = time.monotonic()
        self._shown = first
        """The picture sent last, held so that it can be sent again."""
        self._sent = -1
        self._over = asyncio.Event()

    def end(self) -> None:
        """Take no more pictures; ``run`` returns when the file is whole."""
        self._over.set()

    async def run(self) -> Recorded:
        """Returns after ``end``. When cancelled, what is in the file is of no use.

        Raises:
            Unavailable: ffmpeg is missing, or ended before its time.
        """
        try:
            async with ffmpeg(_options(self._ring, self.file), feeds=True) as (program, pipe):
                try:
                    return await self._fed(program, pipe)
                finally:
                    program.kill()  # an order to end would make it finish a file that nobody wants
        except OSError as error:
            raise _failed(error.strerror or str(error)) from error
        finally:
            self._ring.let_go(self._shown.slot)

    async def _fed(self, program: Program, pipe: FileIO) -> Recorded:
        feed = Feed(self._ring, pipe.fileno())
        self._send(feed, 0, self._shown)
        writer = asyncio.ensure_future(in_thread(feed.write))
        try:
            frames = await self._ticks(feed)
            feed.end()
            async with asyncio.timeout(_WHOLE):
                await writer
                pipe.close()
                status = await asyncio.shield(program.ended)
        except TimeoutError:
            raise _failed(f"ffmpeg has not ended after {_WHOLE:g} s") from None
        finally:
            feed.end()
            writer.cancel()
            await asyncio.wait([writer])
        if status:
            raise _failed(f"ffmpeg ended with {status}; {program.words}")
        return Recorded(frames / self._ring.fps, frames)

    async def _ticks(self, feed: Feed) -> int:
        """Send what there is to send until the recording is over; how many ticks it has."""
        tick = 0
        while not self._over.is_set():
            due = self._start + (tick + 1) / self._ring.fps
            with suppress(TimeoutError):
                async with asyncio.timeout(due - time.monotonic()):
                    await self._over.wait()
            tick = max(tick, int((time.monotonic() - self._start) * self._ring.fps))
            if not feed.full and not self._over.is_set():
                self._look(feed, tick)
        if tick > self._sent:
            self._send(feed, tick, self._shown)
        return tick + 1

    def _look(self, feed: Feed, tick: int) -> None:
        newest = self._ring.hold()
        if newest is not None and newest.picture != self._shown.picture:
            self._ring.let_go(self._shown.slot)
            self._shown = newest
            self._send(feed, tick, newest)
            return
        if newest is not None:
            self._ring.let_go(newest.slot)
        if tick - self._sent >= _AT_LEAST * self._ring.fps:
            self._send(feed, tick, self._shown)

    def _send(self, feed: Feed, tick: int, frame: Frame) -> None:
        feed.add(tick, frame)
        self._sent = tick


def _failed(reason: str) -> Unavailable:
    return Unavailable(what="the recording", reason=reason)


def _options(ring: Ring, file: Path) -> list[str]:
    even = f"pad={ring.width + ring.width % 2}:{ring.height + ring.height % 2}"
    picture = f"{even},scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,fps={ring.fps:g}"
    into = ["-g", str(round(_KEY_FRAMES * ring.fps)), *_COLOURS, "-f", "mp4", "-movflags", "+faststart", "-y"]
    return ["-f", "matroska", "-i", "pipe:0", "-vf", picture, *_CODER, *into, f"file:{file}"]


class Recorder:
    """Makes one recording at a time, for one client."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._client: object = None
        self._recording: Recording
        self._work: asyncio.Future[Recorded]

    def begin(self, client: object, file: Path) -> bool:
        """False if there is no picture. Raises Conflict: One is being made."""
        if self._client is not None:
            raise Conflict(reason="a recording is being made")
        first = self._ring.hold()
        if first is None:
            return False
        self._client = client
        self._recording = Recording(self._ring, first, file)
        self._work = asyncio.ensure_future(self._recording.run())
        return True

    async def end(self, client: object) -> Recorded:
        """When the file is whole. Raises Conflict (this client makes none), Unavailable (it did not work)."""
        if self._client is not client:
            raise Conflict(reason="no recording is being made")
        self._recording.end()
        await asyncio.wait([self._work])
        self._client = None
        return self._work.result()

    async def abandon(self, client: object) -> None:
        """Nobody wants the client's recording any more."""
        if self._client is client:
            self._work.cancel()
            await asyncio.wait([self._work])
            self._client = None
            if not self._work.cancelled():
                self._work.exception()
            self._recording.file.unlink(missing_ok=True)
