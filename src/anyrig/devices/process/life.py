"""The device's life: opened, watched, and tried again when there is no video."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import AnyrigError, ControlFailed, NoVideo
from anyrig.devices.process.keys import Keys
from anyrig.devices.process.ring import Frame, Ring
from anyrig.devices.programs.work import first_of
from anyrig.devices.registry import control_kind, device_kind

log = logging.getLogger(__name__)
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0
_LASTED = 30.0
"""Seconds of pictures after which a failure is a new one, not the last one again."""
_OPENING = 30.0
"""Seconds until the first picture. Kinds that know better give up sooner."""
_WATCH = 0.25
"""Seconds between two looks whether pictures come."""

_Work = Callable[[], Coroutine[Any, Any, None]]


class Life:
    """Keeps one device open; gives its newest frame, and says what is the matter."""

    def __init__(self, config: DeviceConfig, ring: Ring, keys: Keys) -> None:
        self._config = config
        self._ring = ring
        self._keys = keys
        self.name = config.kind
        self._trouble = NoVideo(source=self.name, because=" yet")
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop = asyncio.get_running_loop()
        ring.on_frame = self._on_frame

    async def keep(self) -> None:
        """Until cancelled."""
        if self._config.control is None:
            await self._again(self._device, self._device_failed)
        else:
            await first_of(
                self._again(self._device, self._device_failed), self._again(self._control, self._keys.detach)
            )

    @property
    def trouble(self) -> NoVideo | None:
        """Why there is no picture now; None if there is one."""
        return None if self._ring.newest is not None else NoVideo(**self._trouble.fields)

    async def frame(self, after: int, timeout: float) -> Frame:  # noqa: ASYNC109 - it is the client's
        """The newest frame above ``after``.

        Raises:
            NoVideo: It has not come within ``timeout`` seconds.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                return await self._next(after)
        newest = self._ring.newest
        if newest is not None and newest.seq > after:
            return newest
        raise self.trouble or NoVideo(source=self.name, because=f" within {timeout:g} s")

    async def _next(self, after: int) -> Frame:
        while True:
            news = self._loop.create_future()
            self._waiting.add(news)
            frame = self._ring.newest
            if frame is not None and frame.seq > after:
                self._waiting.discard(news)
                return frame
            try:
                await news
            finally:
                self._waiting.discard(news)

    def _on_frame(self) -> None:
        """In the thread of the one who takes the pictures: the loop is only woken if somebody waits."""
        if self._waiting:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)

    async def _device(self) -> None:
        kind = device_kind(self._config.kind)
        async with kind.open_device(self._config) as device:
            self.name = device.screen.name
            if self._config.control is None:
                await self._keys.attach(device.control)
            try:
                await first_of(device.screen.run(self._ring), self._watch())
            finally:
                self._ring.forget()
        raise NoVideo(source=self.name, because=": it has ended")

    async def _watch(self) -> None:
        """Raises NoVideo: The screen has given no picture for too long."""
        last, since = 0, time.monotonic()
        while True:
            newest = self._ring.newest
            if newest is not None and newest.seq != last:
                last, since = newest.seq, time.monotonic()
            patience = self._config.patience + 1 if last else _OPENING
            if time.monotonic() - since > patience:
                raise NoVideo(source=self.name, because=f": no new picture for {self._config.patience:g} s")
            await asyncio.sleep(_WATCH)

    async def _control(self) -> None:
        kind = control_kind(self._config.control or "")
        async with kind.open_control(dict(self._config.control_options)) as control:
            await self._keys.attach(control)
            await self._loop.create_future()

    async def _again(self, once: _Work, failed: Callable[[AnyrigError], None]) -> None:
        """What goes wrong is told, and tried again after a while."""
        pause = _FIRST_PAUSE
        while True:
            start = time.monotonic()
            try:
                await once()
            except AnyrigError as error:
                failed(error)
            except Exception as error:
                log.exception("%s", self.name)
                failed(NoVideo(source=self.name, because=f": {error!r}"))
            if time.monotonic() - start > _LASTED:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _device_failed(self, error: AnyrigError) -> None:
        if not isinstance(error, NoVideo):
            error = NoVideo(source=self.name, because=f": {error}")
        if str(error) != str(self._trouble):
            log.warning("%s", error)
        self._trouble = error
        if self._config.control is None:
            self._keys.detach(ControlFailed(control=self.name, reason=str(error)))
