"""Android devices, over the real adb: its server and client talk to a device on loopback."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from adbd import AndroidDevice, adb_server
from canvas import TestCanvas

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import ControlFailed, Invalid, NoVideo, UnknownKey
from anyrig.devices.android.adb import open_control
from anyrig.devices.android.device import open_device

INPUT = """
case "$*" in
  "") echo "Usage: input"; cat "$DEVICE/usage"; exit 255;;
  *KEYCODE_POWER*) echo "Error: Injecting needs a permission"; exit 0;;
  *KEYCODE_CAMERA*) echo "Killed" >&2; exit 137;;
esac
echo "$*" >> "$DEVICE/keys"
case "$*" in *DPAD_UP*) echo red > "$DEVICE/colour";; *DPAD_DOWN*) echo green > "$DEVICE/colour";; esac
"""
SCREENRECORD = """
seen=""
while true; do
  colour=$(cat "$DEVICE/colour")
  [ "$colour" = "$seen" ] || cat "$DEVICE/$colour.h264"
  seen=$colour
  sleep 0.05
done
"""
COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0), "green": (0, 128, 0)}
SIZE = (320, 180)


def near(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


class Android(AndroidDevice):
    server_port: int

    @property
    def options(self) -> dict[str, Any]:
        return {"address": self.address, "server_port": self.server_port}

    @property
    def keys(self) -> list[str]:
        return (self.folder / "keys").read_text().splitlines()

    def show(self, colour: str) -> None:
        (self.folder / "colour").write_text(colour)


@pytest.fixture(scope="module")
async def server_port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    async with adb_server(tmp_path_factory.mktemp("adb"), port):
        yield port


@pytest.fixture
async def android(tmp_path: Path, server_port: int) -> AsyncIterator[Android]:
    device = Android(tmp_path)
    device.server_port = server_port
    (tmp_path / "keys").touch()
    (tmp_path / "usage").write_text("keyevent [--longpress|--duration <ms>] <key code>")
    device.install("input", INPUT)
    device.show("blue")
    await device.plug_in()
    yield device
    await device.unplug()


@pytest.fixture(scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One picture of each colour, as an encoder sends it that has nothing to add."""
    folder = tmp_path_factory.mktemp("recorded")
    for name in COLOURS:
        source = f"color={name}:s={SIZE[0]}x{SIZE[1]}"
        process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "1"),
            *("-pix_fmt", "yuv420p", "-c:v", "libx264", "-tune", "zerolatency", "-f", "h264", folder / name),
        )
        assert await process.wait() == 0
    return {name: (folder / name).read_bytes() for name in COLOURS}


@pytest.fixture
def film(android: Android, recorded: dict[str, bytes]) -> None:
    for name, data in recorded.items():
        (android.folder / f"{name}.h264").write_bytes(data)
    android.install("screenrecord", SCREENRECORD)


@asynccontextmanager
async def seen(android: Android, **more: Any) -> AsyncIterator[tuple[TestCanvas, Any, "asyncio.Task[None]"]]:
    config = DeviceConfig("android", *SIZE, options=android.options, **more)
    async with open_device(config) as device:
        canvas = TestCanvas(*SIZE)
        running = asyncio.create_task(device.screen.run(canvas))
        try:
            yield canvas, device.control, running
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_keys_have_the_names_that_android_gives_them(android: Android) -> None:
    names = {
        "KEY_OK": "KEYCODE_DPAD_CENTER",
        "KEY_BACK": "KEYCODE_BACK",
        "KEY_PLAYPAUSE": "KEYCODE_MEDIA_PLAY_PAUSE",
        "KEY_0": "KEYCODE_0",
        "q": "KEYCODE_Q",
        ".": "KEYCODE_PERIOD",
        "KEYCODE_TV_INPUT_HDMI_2": "KEYCODE_TV_INPUT_HDMI_2",
    }
    async with open_control(android.options) as control:
        for key in names:
            await control.press(key, None)
    assert android.keys == [f"keyevent {code}" for code in names.values()]


async def test_a_held_key_is_held_so_long(android: Android) -> None:
    async with open_control(android.options) as control:
        await control.press("KEY_OK", 1.25)
    assert android.keys == ["keyevent --duration 1250 KEYCODE_DPAD_CENTER"]


async def test_an_older_android_knows_short_and_long(android: Android) -> None:
    (android.folder / "usage").write_text("keyevent [--longpress] <key code>")
    async with open_control(android.options) as control:
        await control.press("KEY_OK", 1.25)
        await control.press("KEY_OK", 0.1)
    assert android.keys == ["keyevent --longpress KEYCODE_DPAD_CENTER", "keyevent KEYCODE_DPAD_CENTER"]


@pytest.mark.parametrize("key", ["KEY_NONSENSE", "", "KEYCODE_X; reboot", "$(reboot)", "KEY_OK\n", "Q", "é"])
async def test_an_unknown_key_never_reaches_the_shell(android: Android, key: str) -> None:
    async with open_control(android.options) as control:
        with pytest.raises(UnknownKey, match=r"The control adb 127\.0\.0\.1:"):
            await control.press(key, None)
    assert android.keys == []


async def test_what_android_refuses_is_a_failure(android: Android) -> None:
    async with open_control(android.options) as control:
        with pytest.raises(ControlFailed, match="KEY_POWER: Error: Injecting needs a permission"):
            await control.press("KEY_POWER", None)
        with pytest.raises(ControlFailed, match="KEY_CAMERA: Killed"):
            await control.press("KEY_CAMERA", None)
        with pytest.raises(ControlFailed, match="presses a key and lets go of it in one"):
            await control.down("KEY_OK")
        await control.press("KEY_OK", None)
    assert android.keys == ["keyevent KEYCODE_DPAD_CENTER"]


async def test_an_old_shell_will_do(android: Android) -> None:
    android.modern = False
    async with open_control(android.options) as control:
        await control.press("KEY_OK", None)
        with pytest.raises(ControlFailed, match="KEY_CAMERA: Killed"):
            await control.press("KEY_CAMERA", None)
    assert android.keys == ["keyevent KEYCODE_DPAD_CENTER"]


async def test_a_device_that_was_unplugged_fails_and_works_again_later(android: Android) -> None:
    async with open_control(android.options) as control:
        await control.press("KEY_OK", None)
        await android.unplug()
        with pytest.raises(ControlFailed, match="did not do it: KEY_OK: "):
            await control.press("KEY_OK", None)
    await android.plug_in()
    async with open_control(android.options) as control:
        await control.press("KEY_UP", None)
    assert android.keys[-1] == "keyevent KEYCODE_DPAD_UP"


async def test_a_device_that_is_not_there_is_named(android: Android) -> None:
    await android.unplug()
    with pytest.raises(ControlFailed, match=r"Android device 127\.0\.0\.1:\d+ is not available .*refused"):
        async with open_control(android.options):
            pass
    with pytest.raises(NoVideo, match=r"no video from android: Android device 127\.0\.0\.1:\d+ is not"):
        async with seen(android):
            pass
    await android.plug_in()


@pytest.mark.parametrize(
    "options", [{}, {"serial": "x", "address": "y"}, {"serial": "-d"}, {"serial": "a b"}]
)
async def test_a_device_has_a_serial_or_an_address(options: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        async with open_control(options):
            pass


@pytest.mark.usefixtures("film")
async def test_the_screen_is_seen_as_soon_as_it_changes_and_again_and_again(android: Android) -> None:
    async with seen(android) as (canvas, control, _):
        await canvas.until(lambda: near(canvas.colour(5, 5), COLOURS["blue"]))
        for key, name in [("KEY_UP", "red"), ("KEY_DOWN", "green"), ("KEY_UP", "red")]:
            await control.press(key, None)
            await canvas.until(lambda name=name: near(canvas.colour(5, 5), COLOURS[name]))  # type: ignore[misc]
        count = len(canvas.times)
        await canvas.until(lambda: len(canvas.times) > count + 10)
        assert canvas.pictures == 4


@pytest.mark.usefixtures("film")
async def test_a_recording_that_is_over_begins_anew(android: Android) -> None:
    script = (
        (android.folder / "screenrecord")
        .read_text()
        .replace("while true", 'echo $$ > "$DEVICE/pid"; while true')
    )
    android.install("screenrecord", script)
    async with seen(android) as (canvas, control, _):
        await canvas.until(lambda: near(canvas.colour(5, 5), COLOURS["blue"]))
        os.kill(int((android.folder / "pid").read_text()), signal.SIGTERM)
        await canvas.until(lambda: canvas.pictures == 2)
        await control.press("KEY_UP", None)
        await canvas.until(lambda: near(canvas.colour(5, 5), COLOURS["red"]))


async def test_a_device_that_cannot_record_is_photographed(android: Android) -> None:
    for name in COLOURS:
        source = f"color={name}:s=640x360"
        process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "1"),
            android.folder / f"{name}.png",
        )
        assert await process.wait() == 0
    android.install("screencap", 'cat "$DEVICE/$(cat "$DEVICE/colour").png"')
    async with seen(android) as (canvas, control, _):
        await canvas.until(lambda: near(canvas.colour(5, 5), COLOURS["blue"]))
        await control.press("KEY_UP", None)
        await canvas.until(lambda: near(canvas.colour(319, 179), COLOURS["red"]))


async def test_a_device_without_any_picture_is_no_video(android: Android) -> None:
    android.install("screencap", 'echo "no display"')
    async with seen(android) as (_, _, running):
        with pytest.raises(NoVideo, match=r"a screenshot that is no picture: .*no display"):
            await asyncio.wait_for(running, 20)


@pytest.mark.usefixtures("film")
async def test_a_device_that_goes_away_is_no_video(android: Android) -> None:
    async with seen(android) as (canvas, _, running):
        await canvas.until(lambda: near(canvas.colour(5, 5), COLOURS["blue"]))
        await android.unplug()
        with pytest.raises(NoVideo, match=r"no video from android 127\.0\.0\.1:"):
            await asyncio.wait_for(running, 20)
    await android.plug_in()
