"""Screenshots of a device."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from device_wire import DeviceWire
from numpy.typing import NDArray
from PIL import Image
from rigs import HEIGHT, WIDTH, Rig, random_picture, until_trouble

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import NoVideo
from anyrig.devices.client import DeviceProcess

SHOWN = random_picture(4)


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[DeviceProcess]:
    """Shows SHOWN."""
    rig = Rig(tmp_path, SHOWN)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            slots, frame = wire.hello(), wire.frame()
            while not np.array_equal(slots.picture(frame["slot"]), SHOWN):
                frame = wire.frame(after=frame["seq"])
        yield device


def opened(data: bytes) -> tuple[str, NDArray[np.uint8]]:
    """Format and blue, green, red."""
    image = Image.open(io.BytesIO(data))
    return image.format or "", np.asarray(image.convert("RGB"))[..., ::-1]


async def test_a_png_has_every_pixel(device: DeviceProcess) -> None:
    picture = await device.screenshot("png")
    kind, pixels = opened(picture.image)
    assert (kind, picture.content_type) == ("PNG", "image/png")
    assert np.array_equal(pixels, SHOWN)


async def test_a_jpeg_has_the_width_that_was_asked_for(device: DeviceProcess) -> None:
    picture = await device.screenshot("jpeg", 100)
    kind, pixels = opened(picture.image)
    assert (kind, picture.content_type) == ("JPEG", "image/jpeg")
    assert pixels.shape == (round(100 * HEIGHT / WIDTH), 100, 3)
    assert np.abs(pixels.reshape(-1, 3).mean(axis=0) - SHOWN.reshape(-1, 3).mean(axis=0)).max() < 3


async def test_a_smaller_png_is_a_png(device: DeviceProcess) -> None:
    kind, pixels = opened((await device.screenshot("png", 50)).image)
    assert kind == "PNG"
    assert pixels.shape[1] == 50


async def test_a_picture_is_of_the_newest_frame(device: DeviceProcess) -> None:
    with DeviceWire(device.socket) as wire:
        before = wire.frame()
        said = wire.ask("screenshot", format="png", width=None)
        after = wire.frame()
        assert before["seq"] <= said["seq"] <= after["seq"]
        assert before["time"] <= said["time"] <= after["time"]
        assert len(said["body"]) == said["length"]


async def test_an_unchanged_picture_is_the_same_file_at_a_later_time(device: DeviceProcess) -> None:
    with DeviceWire(device.socket) as wire:
        first = wire.ask("screenshot", format="png", width=None)
        wire.frame(after=first["seq"] + 3)
        second = wire.ask("screenshot", format="png", width=None)
        assert second["body"] == first["body"]
        assert second["time"] > first["time"]


async def test_a_tests_pictures_are_saved_whole_and_small(device: DeviceProcess, tmp_path: Path) -> None:
    await device.save_pictures(tmp_path)
    kind, pixels = opened((tmp_path / "screenshot.png").read_bytes())
    assert kind == "PNG"
    assert np.array_equal(pixels, SHOWN)
    kind, pixels = opened((tmp_path / "thumbnail.jpg").read_bytes())
    assert (kind, pixels.shape[1]) == ("JPEG", WIDTH)


async def test_there_is_no_picture_without_video(tmp_path: Path) -> None:
    config = DeviceConfig("video", 64, 64, options={"input": str(tmp_path / "none.mp4")})
    async with DeviceProcess(config) as device:
        await until_trouble(device, "No such file")
        with pytest.raises(NoVideo, match="No such file"):
            await device.screenshot()
        with pytest.raises(NoVideo, match="No such file"):
            await device.save_pictures(tmp_path)
