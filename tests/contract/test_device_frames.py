"""Frames in shared memory, from the side of those who read them."""

import asyncio
import json
import mmap
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from device_wire import DeviceWire
from rigs import Rig, colour

from anyrig.core.devices import DeviceConfig
from anyrig.devices.client import DeviceProcess

MOVING = DeviceConfig("video", 64, 36, 50.0, {"input": "testsrc2=size=64x36:rate=50", "format": "lavfi"})


@pytest.fixture
async def moving() -> AsyncIterator[DeviceProcess]:
    """A picture that is never the same twice in a row."""
    async with DeviceProcess(MOVING) as device:
        await device.ready(60)
        yield device


async def test_a_leased_picture_stays_while_others_come(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        slots = wire.hello()
        kept = wire.frame()
        assert kept["leased"]
        before = slots.picture(kept["slot"]).copy()
        seq = kept["seq"]
        while seq < kept["seq"] + 40:
            frame = wire.frame(after=seq)
            wire.tell("release", slot=frame["slot"])
            seq = frame["seq"]
        assert np.array_equal(slots.picture(kept["slot"]), before)
        assert wire.ask("holds", slot=kept["slot"], seq=kept["seq"])["holds"]


async def test_a_released_picture_goes(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        kept = wire.frame()
        wire.tell("release", slot=kept["slot"])
        seq = kept["seq"]
        while wire.ask("holds", slot=kept["slot"], seq=kept["seq"])["holds"]:
            frame = wire.frame(after=seq)
            wire.tell("release", slot=frame["slot"])
            seq = frame["seq"]
        assert seq > kept["seq"]


async def test_at_most_half_of_the_pictures_are_leased_and_the_rest_goes_on(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as hoarder, DeviceWire(moving.socket) as wire:
        count = hoarder.hello().said["slots"]
        leased = set()
        frame = hoarder.frame()
        while frame["leased"]:
            leased.add(frame["slot"])
            frame = hoarder.frame(after=frame["seq"])
        assert len(leased) == count // 2
        seq = frame["seq"]
        slots = wire.hello()
        frame = wire.frame(after=seq)
        assert not frame["leased"]
        copy = slots.picture(frame["slot"]).copy()
        assert wire.ask("holds", slot=frame["slot"], seq=frame["seq"])["holds"]
        assert copy.any()


async def test_a_reader_that_crashes_gives_its_pictures_back(moving: DeviceProcess) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from device_wire import DeviceWire\n"
        "wire, seq = DeviceWire(sys.argv[2]), 0\n"
        "while (frame := wire.frame(after=seq))['leased']: seq = frame['seq']\n"
        "print('all', flush=True)\n"
        "sys.stdin.read()\n"
    )
    support = str(Path(__file__).parent.parent / "support")
    argv = [sys.executable, "-c", code, support, str(moving.socket)]
    pipe = asyncio.subprocess.PIPE
    reader = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    assert reader.stdout is not None
    assert await reader.stdout.readline() == b"all\n"
    with DeviceWire(moving.socket) as wire:
        assert not wire.frame()["leased"]
        reader.kill()
        await reader.wait()
        seq = 0
        while not (frame := wire.frame(after=seq))["leased"]:
            seq = frame["seq"]


async def test_a_picture_that_stays_is_a_new_frame_in_the_same_place(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.press("KEY_OK")
        with DeviceWire(device.socket) as wire:
            slots = wire.hello()
            frame = wire.frame()
            while slots.picture(frame["slot"])[0, 0].tolist() != colour(0xFF0D):
                frame = wire.frame(after=frame["seq"])
            later = wire.frame(after=frame["seq"] + 5)
            assert later["slot"] == frame["slot"]
            assert later["time"] > frame["time"]


async def test_readers_cannot_write_to_the_pictures_nor_cut_them_off(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        slots = wire.hello()
        with pytest.raises(PermissionError):
            mmap.mmap(slots.fd, 0, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        with pytest.raises(PermissionError):
            os.ftruncate(slots.fd, 0)
        with pytest.raises(PermissionError):
            os.pwrite(slots.fd, b"x", 0)


async def test_a_frame_that_does_not_come_in_time_is_no_video(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        refused = wire.frame(after=1_000_000, timeout=0.1)
        assert refused["error"] == "no_video"
        assert refused["reason"].startswith("no video from testsrc2")
        assert refused["reason"].endswith("within 0.1 s")


async def test_answers_come_as_they_are_ready(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        slow = wire.tell("frame", after=1_000_000, timeout=1.0)
        quick = wire.tell("health")
        assert [wire.answer()["id"], wire.answer()["id"]] == [quick, slow]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"op": "explode"}, "there is no op 'explode'"),
        ({"op": 7}, "op is not text"),
        ({"op": "frame", "after": "x"}, "after is not a number"),
        ({"op": "frame", "timeout": -1}, "timeout is not a number"),
        ({"op": "press", "key": None}, "key is not text"),
        ({"op": "remote", "keymap": [1]}, "keymap is not a table"),
        ({"op": "screenshot", "format": "gif"}, "there is no picture format 'gif'"),
        ({"op": "screenshot", "format": "png", "width": 0}, "a picture cannot be 0 pixels wide"),
        ({"op": "record", "file": "../x.mp4"}, "is no file to record to"),
        ({"op": "record", "file": "/no/such/x.mp4"}, "is no file to record to"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    moving: DeviceProcess, request_: dict[str, object], reason: str
) -> None:
    with DeviceWire(moving.socket) as wire:
        wire.sock.sendall(json.dumps({"id": 1, **request_}).encode() + b"\n")
        refused = wire.answer()
        assert refused["error"] == "invalid"
        assert reason in refused["reason"]
        assert wire.frame()["seq"] > 0


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\n", b"[1, 2]\n", b"{}}\n", b"x" * 3_000_000, b'{"a": ' * 9000 + b"\n"]
)
async def test_garbage_ends_its_own_connection_only(moving: DeviceProcess, garbage: bytes) -> None:
    with DeviceWire(moving.socket) as wire, DeviceWire(moving.socket) as rogue:
        process = moving.pid
        with suppress(BrokenPipeError):
            rogue.sock.sendall(garbage)
        with pytest.raises(ConnectionError):
            rogue.answer()
        assert wire.frame()["seq"] > 0
        assert moving.pid == process


async def test_a_client_that_never_reads_harms_nobody(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire, DeviceWire(moving.socket) as rogue:
        rogue.sock.setblocking(False)
        line = json.dumps({"id": 1, "op": "screenshot", "format": "png", "width": 2000}).encode() + b"\n"
        with suppress(BlockingIOError):
            while True:
                rogue.sock.send(line * 100)
        before = wire.frame()["seq"]
        assert wire.frame(after=before + 20)["seq"] > before


async def test_many_readers_see_the_same_frames(moving: DeviceProcess) -> None:
    wires = [DeviceWire(moving.socket) for _ in range(5)]
    try:
        slots = [wire.hello() for wire in wires]
        after = wires[0].frame()["seq"] + 5
        for wire in wires:
            wire.tell("frame", after=after, timeout=60)
        frames = [wire.answer() for wire in wires]
        assert len({frame["seq"] for frame in frames}) == 1
        pictures = [seen.picture(frame["slot"]) for seen, frame in zip(slots, frames, strict=True)]
        assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    finally:
        for wire in wires:
            wire.__exit__()


async def test_health_counts_the_frames(moving: DeviceProcess) -> None:
    with DeviceWire(moving.socket) as wire:
        wire.frame(after=wire.frame()["seq"] + 20)
    health = await moving.health()
    assert health.trouble is None
    assert health.fps > 1


async def test_the_socket_is_for_its_owner_alone(moving: DeviceProcess) -> None:
    assert moving.socket.parent.stat().st_mode & 0o077 == 0
