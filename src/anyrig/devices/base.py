"""What every kind of device offers.

A kind of picture is a module with ``KIND`` and ``open_device``, a kind of control one with ``KIND`` and
``open_control``; both are listed in ``registry.py``. They run in the device's own process.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anyrig.core.devices import DeviceConfig, Remote

Pixels = NDArray[np.uint8]
"""Height x width x 3: blue, green, red."""


class Canvas(Protocol):
    """Takes the pictures of one device. May be used from one thread other than the event loop's."""

    width: int
    height: int
    fps: float
    """How often a picture is wanted, changed or not."""

    def blank(self) -> Pixels:
        """Memory for the next picture, in which anything may still be. Ask again after each ``show``."""

    def show(self, at: float) -> None:
        """What was written into ``blank`` is the newest picture, seen at ``at`` (seconds since the epoch).

        Need not differ from the one before; those that do not cost nothing further on.
        """

    def same(self, at: float) -> None:
        """At ``at`` the newest picture was still the one that is shown."""


class Screen(Protocol):
    """Where pictures come from."""

    name: str
    """For people: ``x11 display :99``, ``/dev/video0``."""

    async def run(self, canvas: Canvas) -> None:
        """Give pictures until cancelled.

        Raises:
            NoVideo: There are none any more; the process then tries the whole device again.
        """


class Control(Protocol):
    """What presses keys."""

    async def press(self, key: str, hold: float | None) -> None:
        """Down and up again, after ``hold`` seconds or as fast as a short press is; up also when cancelled.

        Raises:
            UnknownKey: The control has no such key.
            ControlFailed: It did not do it.
        """

    async def down(self, key: str) -> None:
        """Raises UnknownKey, ControlFailed; also when a control can only press and let go in one."""

    async def up(self, key: str) -> None:
        """Raises UnknownKey, ControlFailed."""

    async def use(self, remote: Remote) -> None:
        """Keys are those of this remote control from now on. Its keymap has been applied by the caller."""


@dataclass(frozen=True, slots=True)
class Device:
    """An open device."""

    screen: Screen
    control: Control | None
    """The one that comes with the picture."""


class DeviceKind(Protocol):
    """One module a kind of picture."""

    KIND: str

    def open_device(self, config: DeviceConfig) -> AbstractAsyncContextManager[Device]:
        """Raises NoVideo, Invalid (an option that is missing or makes no sense)."""


class ControlKind(Protocol):
    """One module a kind of control."""

    KIND: str

    def open_control(self, options: dict[str, Any]) -> AbstractAsyncContextManager[Control]:
        """Raises ControlFailed, Invalid."""
