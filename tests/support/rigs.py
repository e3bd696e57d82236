"""Devices for tests: small X displays with a program of ours on them."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from device_wire import DeviceWire
from numpy.typing import NDArray

from anyrig.core.devices import DeviceConfig
from anyrig.devices.client import DeviceProcess

APP = Path(__file__).parent / "xapp.py"
PATIENCE = 60.0
WIDTH, HEIGHT = 322, 241
"""Odd on purpose."""


async def until(condition: Callable[[], Any], what: str) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


async def until_trouble(device: DeviceProcess, words: str) -> str:
    """The trouble that has these words in it."""
    deadline = time.monotonic() + PATIENCE
    trouble: str | None = None
    while time.monotonic() < deadline:
        trouble = (await device.health()).trouble
        if trouble is not None and words in trouble:
            return trouble
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {words} in {trouble}")


class Rig:
    """An X device with our program, and what the program has seen."""

    def __init__(self, folder: Path, picture: NDArray[np.uint8] | None = None, **more: Any) -> None:
        self.log = folder / "app.log"
        command = [sys.executable, str(APP), str(self.log)]
        if picture is not None:
            (folder / "picture").write_bytes(with_four_bytes(picture))
            command.append(str(folder / "picture"))
        options = more.pop("options", {})
        self.config = DeviceConfig(
            "x11", **{"width": WIDTH, "height": HEIGHT, **more}, options={"command": command, **options}
        )

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    async def until_line(self, line: str, count: int = 1) -> None:
        await until(lambda: self.lines().count(line) >= count, f"{line} in {self.lines()}")


def random_picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def with_four_bytes(picture: NDArray[np.uint8]) -> bytes:
    return np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)]).tobytes()


def colour(keysym: int) -> list[int]:
    """Blue, green, red of what the program shows for a key."""
    return list((keysym & 0xFFFFFF).to_bytes(3, "little"))


def next_colour(wire: DeviceWire, unlike: list[int]) -> list[int]:
    """The first colour of the middle pixel that is another."""
    slots = wire.hello()
    seq = 0
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        frame = wire.frame(after=seq)
        seq = frame["seq"]
        found = slots.picture(frame["slot"])[HEIGHT // 2, WIDTH // 2].tolist()
        wire.tell("release", slot=frame["slot"])
        if found != unlike:
            return list(found)
    raise AssertionError(f"the picture stays {unlike}")


def processes(marker: str) -> list[int]:
    """Those that have the text in their command line, ended ones not."""
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/cmdline") if marker in _text(file)]


def of_process(pid: int, name: str) -> list[int]:
    """The processes of that name at or below ``pid``."""
    found = [pid] if _text(Path(f"/proc/{pid}/comm")).strip() == name else []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _text(task).split():
            found += of_process(int(child), name)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in _text(Path(f"/proc/{pid}/status"))


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
