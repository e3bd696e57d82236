"""What ffmpeg can read as a device: files and streams, whole and broken."""

import asyncio
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from device_wire import DeviceWire
from rigs import of_process, until_trouble

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import NoVideo
from anyrig.devices.client import DeviceProcess

RED, BLUE = [0, 0, 255], [255, 0, 0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of red, a second of blue."""
    file = tmp_path_factory.mktemp("film") / "red and blue.mkv"
    colours = [
        item
        for colour in ("red", "blue")
        for item in ("-f", "lavfi", "-i", f"color={colour}:s=96x64:d=1,format=bgr0")
    ]
    both = ["-filter_complex", "concat=n=2", "-c:v", "ffv1", "-pix_fmt", "bgr0"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *colours, *both, str(file)], check=True)
    return file


@pytest.fixture
def stream(film: Path, tmp_path: Path) -> bytes:
    """The film as a broadcaster sends it."""
    file = tmp_path / "stream.ts"
    coded = ["-c:v", "mpeg2video", "-q:v", "2", "-f", "mpegts", str(file)]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", str(film), *coded], check=True)
    return file.read_bytes()


def video(where: str, **options: object) -> DeviceConfig:
    return DeviceConfig("video", 96, 64, options={"input": where, **options}, patience=1.0)


def colours(wire: DeviceWire, count: int) -> list[list[int]]:
    """Of the next pictures that differ from the one before."""
    slots, seq = wire.hello(), 0
    seen: list[list[int]] = []
    while len(seen) < count:
        frame = wire.frame(after=seq)
        seq = frame["seq"]
        colour = slots.picture(frame["slot"])[32, 48].tolist()
        wire.tell("release", slot=frame["slot"])
        if not seen or seen[-1] != colour:
            seen.append(colour)
    return seen


async def test_a_file_is_played_again_and_again_when_asked_to(film: Path) -> None:
    async with DeviceProcess(video(str(film), loop=True)) as device:
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            seen = colours(wire, 5)
        assert sorted(seen[:2]) == sorted([RED, BLUE])
        assert seen == seen[:2] * 2 + seen[:1]
        assert (await device.health()).trouble is None


async def test_a_file_that_ends_is_no_video(film: Path) -> None:
    async with DeviceProcess(video(str(film))) as device:
        await device.ready(60)
        trouble = await until_trouble(device, "ended")
        assert trouble == f"no video from {film}: it has ended"


async def test_a_picture_is_scaled_to_the_devices_size(film: Path) -> None:
    config = DeviceConfig("video", 200, 150, options={"input": str(film), "loop": True})
    async with DeviceProcess(config) as device:
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            slots = wire.hello()
            assert slots.picture(wire.frame()["slot"]).shape == (150, 200, 3)
            assert slots.picture(wire.frame()["slot"])[149, 199].tolist() in [RED, BLUE]


async def test_a_file_that_is_not_there_is_named_with_the_reason(tmp_path: Path) -> None:
    async with DeviceProcess(video(str(tmp_path / "none.mp4"))) as device:
        trouble = await until_trouble(device, "No such file")
        assert trouble.startswith(f"no video from {tmp_path}/none.mp4: it has ended; ffmpeg: ")
        with pytest.raises(NoVideo, match="No such file or directory"):
            await device.ready(0.1)


async def test_a_file_that_is_no_video_is_a_trouble(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk.")
    async with DeviceProcess(video(str(tmp_path / "notes.txt"))) as device:
        await until_trouble(device, "Invalid data")


async def test_an_input_that_looks_like_an_option_is_refused() -> None:
    async with DeviceProcess(video("-version")) as device:
        assert "'-version' is no input of a device" in await until_trouble(device, "input")


async def test_a_killed_ffmpeg_is_started_again(film: Path) -> None:
    async with DeviceProcess(video(str(film), loop=True)) as device:
        await device.ready(60)
        [ffmpeg] = of_process(device.pid or 0, "ffmpeg")
        os.kill(ffmpeg, signal.SIGKILL)
        await until_trouble(device, "it has ended")
        await device.ready(60)


async def test_a_stream_that_stalls_is_no_video_until_it_goes_on(stream: bytes) -> None:
    sent: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(stream)
        await writer.drain()
        sent.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        async with DeviceProcess(video(f"tcp://127.0.0.1:{port}", format="mpegts")) as device:
            await device.ready(60)
            trouble = await until_trouble(device, "no new picture")
            assert trouble == f"no video from tcp://127.0.0.1:{port}: no new picture for 1 s"
            await device.ready(60)
            assert len(sent) >= 2
    finally:
        for writer in sent:
            writer.close()
        server.close()


async def test_a_password_is_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    async with DeviceProcess(video(f"rtsp://camera:s3cret@127.0.0.1:{port}/live")) as device:
        trouble = await until_trouble(device, "refused")
        assert trouble.startswith(f"no video from rtsp://127.0.0.1:{port}/live: ")
        assert "s3cret" not in trouble
