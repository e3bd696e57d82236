"""A place for the pictures of a device, as a device's process has one."""

import asyncio
from collections.abc import Callable

import numpy as np

from anyrig.devices.base import Pixels


class TestCanvas:
    """Keeps the newest picture, and when it was seen."""

    __test__ = False

    def __init__(self, width: int = 640, height: int = 360, fps: float = 25.0) -> None:
        self.width, self.height, self.fps = width, height, fps
        self.newest: Pixels | None = None
        self.times: list[float] = []
        self.pictures = 0
        self._writing = np.zeros((height, width, 3), np.uint8)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def blank(self) -> Pixels:
        return self._writing

    def show(self, at: float) -> None:
        self.newest, self._writing = self._writing, np.full_like(self._writing, 77)
        self.pictures += 1
        self.same(at)

    def same(self, at: float) -> None:
        self.times.append(at)
        self._loop.call_soon_threadsafe(self._news.set)

    def colour(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green, blue of one pixel."""
        assert self.newest is not None
        blue, green, red = self.newest[y, x]
        return int(red), int(green), int(blue)

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for frames until the condition holds."""
        async with asyncio.timeout(seconds):
            while self.newest is None or not condition():
                self._news.clear()
                await self._news.wait()
