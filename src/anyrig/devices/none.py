"""A control for a device that nobody can press keys on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed
from anyrig.devices.base import Control

KIND = "none"


@asynccontextmanager
async def open_control(options: dict[str, Any]) -> AsyncIterator[Control]:  # noqa: ARG001 - it has none
    yield _Nobody()


class _Nobody:
    async def press(self, key: str, hold: float | None) -> None:  # noqa: ARG002
        raise _refused(key)

    async def down(self, key: str) -> None:
        raise _refused(key)

    async def up(self, key: str) -> None:
        raise _refused(key)

    async def use(self, remote: Remote) -> None:
        """Nothing is pressed, whatever remote control it would be."""


def _refused(key: str) -> ControlFailed:
    return ControlFailed(
        control=KIND, reason=f"{key} was not pressed, as the device has no control by choice"
    )
