"""What a node's device has to do with a test: it is ready before, recorded meanwhile, pictured afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyrig.core.devices import Remote
from anyrig.core.errors import AnyrigError, NoControl
from anyrig.executors.base import Device, Stop
from anyrig.executors.python.place import Place
from anyrig.executors.python.settings import Settings

_READY_WITHIN = 10.0
"""Seconds for the first picture."""


class Filming:
    """Of all tests of one task; of no effect on a node without a device."""

    def __init__(self, device: Device | None, remote: Remote, how: Settings) -> None:
        self.device = device
        self._remote = remote
        self._how = how
        self._used = False
        """Whether the device knows which remote control is ours."""

    async def trouble(self, stop: Stop) -> str:
        """Wait until the device is ready; why it is not, or nothing. Waits no longer than until ``stop``."""
        if self.device is None:
            return ""
        async with asyncio.TaskGroup() as group:
            preparing = group.create_task(self._prepare(self.device))
            stopped = group.create_task(stop.wait())
            await asyncio.wait((preparing, stopped), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            preparing.cancel()
        return "" if preparing.cancelled() else preparing.result()

    async def _prepare(self, device: Device) -> str:
        try:
            await device.ready(_READY_WITHIN)
            if not self._used:
                await device.use(self._remote)
        except NoControl:
            pass  # tests that only look can run; to one that presses a key stbt_core says so
        except AnyrigError as error:
            self._used = False
            return str(error)
        self._used = True
        return ""

    @asynccontextmanager
    async def of(self, place: Place) -> AsyncIterator[None]:
        """Record what happens inside, and see to it that there are pictures of its end."""
        if self.device is None:
            yield
            return
        place.pictures.mkdir()
        try:
            if self._how.video:
                await self._begin(self.device, place)
            yield
        finally:
            await self._end(self.device, place)

    async def _begin(self, device: Device, place: Place) -> None:
        try:
            await device.record(place.pictures / "video.mp4")
        except AnyrigError as error:
            place.note(f"There is no video of this test: {error}")

    async def _end(self, device: Device, place: Place) -> None:
        try:
            if self._how.screenshot and not (place.pictures / "screenshot.png").exists():
                await device.save_pictures(place.pictures)
        except AnyrigError as error:
            place.note(f"There is no screenshot of this test: {error}")
        try:
            await device.end_recording()
        except AnyrigError as error:
            place.note(f"The video of this test may not be whole: {error}")
