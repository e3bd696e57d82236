"""An Android device, over the Android Debug Bridge: its screen and its keys."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np

from anyrig.core.devices import CHANNELS, DeviceConfig
from anyrig.core.errors import NoVideo, Unavailable
from anyrig.devices.android.adb import Adb, Shell, connected, keys_of
from anyrig.devices.base import Canvas, Device
from anyrig.devices.painting import paint
from anyrig.devices.programs.piped import Piped, piped
from anyrig.devices.programs.running import found
from anyrig.devices.programs.work import first_of, in_thread

KIND = "android"
RECORD_SECONDS = 180
"""The longest that screenrecord goes on; then it is started again."""
BIT_RATE = 8_000_000
PULSE_SECONDS = 1.0
"""Between two questions whether the device is still there: a picture that stands still says nothing."""
SCREENSHOT_SECONDS = 5.0
"""What a slow device may take for one, however little patience there is."""
_QUIET = 0.08
"""Seconds without a byte after which a picture is whole."""
_DELIMITER = b"\0\0\0\1\x09\xf0"
"""An access unit delimiter (ITU-T H.264, 7.3.2.4): shows the decoder that the picture before is whole."""
_PIECE = 1 << 16


@asynccontextmanager
async def open_device(config: DeviceConfig) -> AsyncIterator[Device]:
    """``serial`` or ``address`` (host or host:port); ``server_port``: of another adb server."""
    try:
        adb = await connected(config.options)
    except Unavailable as error:
        raise NoVideo(source=KIND, because=f": {error}") from error
    async with keys_of(adb) as keys:
        yield Device(AndroidScreen(adb, config.patience), keys)


class AndroidScreen:
    """What screenrecord sends; where it cannot, one screenshot after the other."""

    def __init__(self, adb: Adb, patience: float) -> None:
        self._adb = adb
        self._patience = patience
        self.name = f"android {adb.serial}"

    async def run(self, canvas: Canvas) -> None:
        await first_of(self._watch(canvas), self._feel_pulse())

    async def _watch(self, canvas: Canvas) -> None:
        while await self._film(canvas):
            continue
        await self._photograph(canvas)

    async def _feel_pulse(self) -> None:
        """Raises NoVideo: The device does not answer any more."""
        shell = Shell(self._adb)
        try:
            while True:
                await shell.run("true", self._patience)
                await asyncio.sleep(PULSE_SECONDS)
        except Unavailable as error:
            raise self._no_video(str(error.fields["reason"])) from error
        finally:
            await shell.close()

    async def _film(self, canvas: Canvas) -> bool:
        """Until screenrecord ends; whether there was any picture."""
        size = f"{canvas.width}x{canvas.height}"
        recording = ["screenrecord", "--output-format=h264", f"--size={size}", f"--bit-rate={BIT_RATE}"]
        recording += [f"--time-limit={RECORD_SECONDS}", "-"]
        async with AsyncExitStack() as stack:
            try:
                camera = await stack.enter_async_context(piped(self._adb.argv("exec-out", *recording)))
                argv = _decoding(found("ffmpeg"), canvas)
                decoder = await stack.enter_async_context(piped(argv, limit=_bytes(canvas)))
            except OSError as error:
                raise self._no_video(error.strerror or str(error)) from error
            pictures = _Pictures(decoder, canvas)
            await first_of(_develop(camera, decoder), pictures.show())
            return pictures.count > 0

    async def _photograph(self, canvas: Canvas) -> None:
        """Raises NoVideo: There is no screenshot either."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 1 / canvas.fps
            at = time.time()
            image = await self._screenshot()
            try:
                await in_thread(lambda _, image=image: paint(image, canvas.blank()))  # type: ignore[misc]
            except OSError as error:
                raise self._no_video(f"a screenshot that is no picture: {image[:100]!r}") from error
            canvas.show(at)
            await asyncio.sleep(due - loop.time())

    async def _screenshot(self) -> bytes:
        try:
            async with asyncio.timeout(max(self._patience, SCREENSHOT_SECONDS)):
                async with piped(self._adb.argv("exec-out", "screencap", "-p")) as talk:
                    if image := await talk.reader.read():
                        return image
                    await talk.program.ended
                    raise self._no_video(talk.program.words or "neither a recording nor a screenshot")
        except TimeoutError:
            raise self._no_video(f"no screenshot within {self._patience:g} s") from None

    def _no_video(self, reason: str) -> NoVideo:
        return NoVideo(source=self.name, because=f": {reason}")


async def _develop(camera: Piped, decoder: Piped) -> None:
    """What the device sends, to the decoder, which shows a picture once it sees that it is whole."""
    try:
        async for piece in _pieces(camera.reader):
            decoder.writer.write(piece)
            await decoder.writer.drain()
        decoder.writer.close()
    except ConnectionError:
        pass  # the decoder has ended, as whoever waits for its pictures learns
    await asyncio.get_running_loop().create_future()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Whatever comes, and a delimiter whenever nothing more does."""
    reading = asyncio.ensure_future(reader.read(_PIECE))
    try:
        while piece := await reading:
            yield piece
            reading = asyncio.ensure_future(reader.read(_PIECE))
            await asyncio.wait([reading], timeout=_QUIET)
            if not reading.done():
                yield _DELIMITER
    finally:
        reading.cancel()
        await asyncio.wait([reading])


def _decoding(ffmpeg: str, canvas: Canvas) -> list[str]:
    """One thread to decode, one to write: each more would hold back a picture until the next comes."""
    at_once = ["-flags", "low_delay", "-probesize", "32", "-analyzeduration", "0", "-threads", "1"]
    scaled = ["-vf", f"scale={canvas.width}:{canvas.height}", "-pix_fmt", "bgr24", "-fps_mode", "passthrough"]
    quiet = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error"]
    output = [*scaled, "-threads", "1", "-f", "rawvideo", "pipe:1"]
    return [*quiet, *at_once, "-f", "h264", "-i", "pipe:0", *output]


class _Pictures:
    """Takes what the decoder gives to a canvas."""

    def __init__(self, decoder: Piped, canvas: Canvas) -> None:
        self._reader, self._canvas = decoder.reader, canvas
        self.count = 0

    async def show(self) -> None:
        """Until there are no more."""
        reading = asyncio.ensure_future(self._reader.readexactly(_bytes(self._canvas)))
        try:
            while True:
                await asyncio.wait([reading], timeout=1 / self._canvas.fps)
                if not reading.done():
                    self._nothing_new()
                    continue
                self._show(reading.result())
                reading = asyncio.ensure_future(self._reader.readexactly(_bytes(self._canvas)))
        except asyncio.IncompleteReadError:
            return
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    def _nothing_new(self) -> None:
        if self.count:
            self._canvas.same(time.time())

    def _show(self, data: bytes) -> None:
        pixels = self._canvas.blank()
        np.copyto(pixels, np.frombuffer(data, np.uint8).reshape(pixels.shape))
        self.count += 1
        self._canvas.show(time.time())


def _bytes(canvas: Canvas) -> int:
    return canvas.width * canvas.height * CHANNELS
