"""The newest picture as a file."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from anyrig.core.devices import THUMBNAIL_QUALITY
from anyrig.core.errors import Invalid
from anyrig.devices.base import Pixels
from anyrig.devices.process.png import STRIPES, png
from anyrig.devices.process.ring import Frame, Ring

PNG, JPEG = "png", "jpeg"
CONTENT_TYPES = {PNG: "image/png", JPEG: "image/jpeg"}
_WIDEST = 8192
_KEPT = 8
_QUALITY = 85
"""Of a JPEG of full size."""


class Pictures:
    """Encodes one at a time, in a thread; what was encoded is kept while its picture is the newest."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1)
        self._stripes = ThreadPoolExecutor(STRIPES - 1)
        self._picture = 0
        self._kept: dict[tuple[str, int], bytes] = {}

    async def encode(self, kind: str, width: int | None) -> tuple[Frame, bytes] | None:
        """The newest frame as ``png`` or ``jpeg``, so wide; None if there is none. Raises Invalid."""
        if kind not in CONTENT_TYPES:
            raise Invalid(reason=f"there is no picture format '{kind}', only {' and '.join(CONTENT_TYPES)}")
        wide = self._ring.width if width is None else width
        if not 0 < wide <= _WIDEST:
            raise Invalid(reason=f"a picture cannot be {wide} pixels wide")
        async with self._turn:
            frame = self._ring.hold()
            if frame is None:
                return None
            try:
                return frame, await self._encoded(frame, kind, wide)
            finally:
                self._ring.let_go(frame.slot)

    async def _encoded(self, frame: Frame, kind: str, width: int) -> bytes:
        if frame.picture != self._picture or len(self._kept) >= _KEPT:
            self._picture, self._kept = frame.picture, {}
        if (kind, width) not in self._kept:
            pixels = self._ring.pixels(frame.slot)
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self._thread, self._file, pixels, kind, width)
            self._kept[kind, width] = await work
        return self._kept[kind, width]

    def _file(self, pixels: Pixels, kind: str, width: int) -> bytes:
        is_whole = width == pixels.shape[1]
        return png(pixels, self._stripes) if kind == PNG and is_whole else _by_library(pixels, kind, width)


def _by_library(pixels: Pixels, kind: str, width: int) -> bytes:
    height, own_width, _ = pixels.shape
    from PIL import Image  # noqa: PLC0415 - a third of a second that no start of a device has to wait for

    image = Image.frombuffer("RGB", (own_width, height), pixels, "raw", "BGR", 0, 1)
    if width != own_width:
        image = image.resize((width, max(1, round(height * width / own_width))), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, kind, quality=THUMBNAIL_QUALITY if width < own_width else _QUALITY, compress_level=1)
    return file.getvalue()
