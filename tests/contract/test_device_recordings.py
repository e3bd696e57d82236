"""Recordings, looked at with other eyes: those of ffprobe and ffmpeg."""

import asyncio
import json
import os
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_wire import DeviceWire
from numpy.typing import NDArray
from rigs import HEIGHT, WIDTH, Rig, colour, of_process, random_picture, until, until_trouble

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Invalid, NoVideo, Unavailable
from anyrig.devices.client import DeviceProcess

RETURN = 0xFF0D
FPS = 25


def probe(file: Path) -> dict[str, Any]:
    what = ["-count_frames", "-show_streams", "-show_format", "-of", "json"]
    done = subprocess.run(
        ["ffprobe", "-loglevel", "error", *what, str(file)], check=True, capture_output=True
    )
    found = json.loads(done.stdout)
    [stream] = found["streams"]
    return {**stream, "start": float(found["format"]["start_time"])}


def pictures(file: Path) -> NDArray[np.uint8]:
    """All of it: count, rows, columns, channels; an odd size has been made even."""
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]
    done = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", str(file), *raw], check=True, capture_output=True
    )
    shape = (-1, HEIGHT + HEIGHT % 2, WIDTH + WIDTH % 2, 3)
    return np.frombuffer(done.stdout, np.uint8).reshape(shape)


def looks(picture: NDArray[np.uint8], shown: list[int]) -> bool:
    """Within what coding does to a plain colour."""
    middle = picture[HEIGHT // 4 : HEIGHT // 2, WIDTH // 4 : WIDTH // 2].reshape(-1, 3).mean(axis=0)
    return bool(np.abs(middle - shown).max() < 6)


async def test_a_recording_is_as_long_as_it_took_at_a_constant_rate(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    file = tmp_path / "video.mp4"
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            start = wire.ask("record", file=str(file))["time"]
            await asyncio.sleep(2)
            asked = time.time()
            ended = wire.ask("end_record")
            assert asked - start - 0.1 < ended["seconds"] < time.time() - start + 0.1
    found = probe(file)
    assert int(found["nb_read_frames"]) == ended["frames"] == round(ended["seconds"] * FPS)
    assert float(found["duration"]) == pytest.approx(ended["seconds"], abs=0.001)
    assert (found["codec_name"], found["pix_fmt"], found["r_frame_rate"]) == ("h264", "yuv420p", "25/1")
    assert found["start"] == 0


async def test_a_recording_can_be_played_while_it_is_downloaded(tmp_path: Path) -> None:
    file = tmp_path / "video.mp4"
    async with DeviceProcess(Rig(tmp_path).config) as device:
        await device.ready(60)
        await device.record(file)
        await device.end_recording()
    data = file.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


async def test_its_first_picture_is_that_of_the_moment_it_was_asked_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    file = tmp_path / "video.mp4"
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.press("KEY_RED")
        with DeviceWire(device.socket) as wire:
            slots, frame = wire.hello(), wire.frame()
            while slots.picture(frame["slot"])[0, 0].tolist() != colour(0x1008FFA3):
                frame = wire.frame(after=frame["seq"])
        await device.record(file)
        await device.press("KEY_OK")
        await rig.until_line(f"down {RETURN:x}")
        await asyncio.sleep(0.2)
        await device.end_recording()
    seen = pictures(file)
    assert looks(seen[0], colour(0x1008FFA3))
    assert looks(seen[-1], colour(RETURN))


async def test_what_happens_is_at_its_time_in_the_recording(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    file = tmp_path / "video.mp4"
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            slots = wire.hello()
            start = wire.ask("record", file=str(file))["time"]
            wire.frame(after=wire.frame()["seq"] + 30)
            wire.ask("press", key="KEY_OK", hold=None)
            frame = wire.frame()
            while slots.picture(frame["slot"])[0, 0].tolist() != colour(RETURN):
                before, frame = frame, wire.frame(after=frame["seq"])
            wire.frame(after=frame["seq"] + 20)
            wire.ask("end_record")
    seen = pictures(file)
    first = next(tick for tick, picture in enumerate(seen) if looks(picture, colour(RETURN)))
    assert before["time"] - start < (first + 1) / FPS
    assert int((frame["time"] - start) * FPS) - 1 <= first
    assert all(looks(picture, colour(RETURN)) for picture in seen[first:])


async def test_what_moves_moves_in_its_recording(tmp_path: Path) -> None:
    source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate=10"
    config = DeviceConfig("video", WIDTH, HEIGHT, 10.0, {"input": source, "format": "lavfi"})
    file = tmp_path / "video.mp4"
    async with DeviceProcess(config) as device:
        await device.ready(60)
        await device.record(file)
        await asyncio.sleep(2)
        await device.end_recording()
    seen = pictures(file)
    changes = [not np.array_equal(one, other) for one, other in pairwise(seen)]
    assert sum(changes) > 3


async def test_there_is_one_recording_at_a_time(tmp_path: Path) -> None:
    async with DeviceProcess(Rig(tmp_path).config) as device:
        await device.ready(60)
        await device.record(tmp_path / "one.mp4")
        with pytest.raises(Unavailable, match="a recording is being made"):
            await device.record(tmp_path / "two.mp4")
        await device.end_recording()
        await device.end_recording()
        await device.record(tmp_path / "two.mp4")
        await device.end_recording()
    assert probe(tmp_path / "one.mp4")
    assert probe(tmp_path / "two.mp4")


async def test_a_client_that_goes_takes_its_recording_with_it(tmp_path: Path) -> None:
    file = tmp_path / "video.mp4"
    async with DeviceProcess(Rig(tmp_path).config) as device:
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            wire.ask("record", file=str(file))
            await until(file.exists, "ffmpeg makes its file")
        await until(lambda: not file.exists(), "the file goes")
        await until(lambda: not of_process(device.pid or 0, "ffmpeg"), "ffmpeg ends")
        await device.record(file)
        await device.end_recording()
    assert probe(file)


async def test_another_client_cannot_end_a_recording(tmp_path: Path) -> None:
    async with DeviceProcess(Rig(tmp_path).config) as device:
        await device.ready(60)
        await device.record(tmp_path / "video.mp4")
        with DeviceWire(device.socket) as wire:
            assert "no recording is being made" in wire.ask("end_record")["reason"]
        await device.end_recording()


async def test_a_killed_ffmpeg_is_told_at_the_end_and_the_next_recording_works(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.ready(60)
        await device.record(tmp_path / "one.mp4")
        [ffmpeg] = await until(lambda: of_process(device.pid or 0, "ffmpeg"), "ffmpeg runs")
        os.kill(ffmpeg, signal.SIGKILL)
        await device.press("KEY_OK")
        with pytest.raises(Unavailable, match="ffmpeg ended with -9"):
            await device.end_recording()
        await device.record(tmp_path / "two.mp4")
        await device.end_recording()
    assert probe(tmp_path / "two.mp4")


async def test_a_recording_goes_on_while_there_is_no_video(tmp_path: Path) -> None:
    rig = Rig(tmp_path, random_picture(3))
    file = tmp_path / "video.mp4"
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            wire.ask("record", file=str(file))
            os.kill(of_process(device.pid or 0, "Xvfb")[0], signal.SIGKILL)
            await until_trouble(device, "Xvfb ended")
            await rig.until_line("ready", 2)
            await device.ready(60)
            await device.press("KEY_OK")
            await rig.until_line(f"down {RETURN:x}")
            wire.frame(after=wire.frame()["seq"] + 10)
            ended = wire.ask("end_record")
    assert int(probe(file)["nb_read_frames"]) == ended["frames"]
    assert looks(pictures(file)[-1], colour(RETURN))


async def test_there_is_nothing_to_record_without_video(tmp_path: Path) -> None:
    config = DeviceConfig("video", 64, 64, options={"input": str(tmp_path / "none.mp4")})
    async with DeviceProcess(config) as device:
        await until_trouble(device, "No such file")
        with pytest.raises(NoVideo, match="No such file"):
            await device.record(tmp_path / "video.mp4")
        with pytest.raises(Invalid, match="its folder is not there"):
            await device.record(tmp_path / "none" / "video.mp4")
