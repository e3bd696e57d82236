"""Keys: which control presses them, and what it calls them."""

import asyncio
import time
from collections.abc import Mapping

from anyrig.core.devices import Remote
from anyrig.core.errors import AnyrigError, ControlFailed, NoControl
from anyrig.devices.base import Control


class Keys:
    """One key after the other, whoever presses it."""

    def __init__(self, device: str, keymap: Mapping[str, str]) -> None:
        self._device = device
        self._keymap = keymap
        self._remote = Remote()
        self._control: Control | None = None
        self._trouble: AnyrigError | None = ControlFailed(control=device, reason="it is not open yet")
        self._turn = asyncio.Lock()

    async def attach(self, control: Control | None) -> None:
        """From now on this one presses the keys; None: nothing can."""
        if control is not None and self._remote != Remote():
            await control.use(self._remote)
        self._control = control
        self._trouble = NoControl(device=self._device) if control is None else None

    def detach(self, trouble: AnyrigError) -> None:
        """There is no control for now."""
        self._control, self._trouble = None, trouble

    async def use(self, remote: Remote) -> None:
        """Raises NoControl, ControlFailed."""
        self._remote = remote
        async with self._turn:
            await self._present().use(remote)

    async def press(self, key: str, hold: float | None) -> tuple[float, float]:
        """When it began and ended. Raises NoControl, UnknownKey, ControlFailed."""
        async with self._turn:
            control = self._present()
            start = time.time()
            await control.press(self._called(key), hold)
            return start, time.time()

    async def down(self, key: str) -> float:
        """Raises NoControl, UnknownKey, ControlFailed."""
        async with self._turn:
            control = self._present()
            at = time.time()
            await control.down(self._called(key))
            return at

    async def up(self, key: str) -> float:
        """Raises NoControl, UnknownKey, ControlFailed."""
        async with self._turn:
            at = time.time()
            await self._present().up(self._called(key))
            return at

    def _present(self) -> Control:
        if self._control is None:
            raise self._trouble or NoControl(device=self._device)
        return self._control

    def _called(self, key: str) -> str:
        return self._remote.keymap.get(key) or self._keymap.get(key, key)
