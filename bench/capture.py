"""What it costs to capture an X display of 1280x720 25 times a second, and to hand the pictures on.

Of processor time, in per cent of one core, over some seconds each: the device's process, the reader, and the
ffmpeg that records. For comparison, in the same run and on the same display: ffmpeg's x11grab into a pipe.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anyrig.core.devices import DeviceConfig
from anyrig.devices.client import DeviceProcess
from bench.idle import family
from bench.table import Row, percentile, show

WIDTH, HEIGHT, FPS = 1280, 720, 25
SECONDS = 8.0
"""Of each measurement."""
SHOTS = 40
SUPPORT = Path(__file__).parent.parent / "tests" / "support"
READER = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
from device_wire import DeviceWire
wire = DeviceWire(sys.argv[1])
slots = wire.hello()
seq = 0
print("reads", flush=True)
while True:
    frame = wire.frame(after=seq)
    seq = frame["seq"]
    slots.picture(frame["slot"])[::16, ::16].max()
    wire.tell("release", slot=frame["slot"])
"""
PIPE = f"""
import subprocess, sys
grab = ["ffmpeg", "-loglevel", "error", "-f", "x11grab", "-draw_mouse", "0"]
grab += ["-framerate", "{FPS}", "-i", sys.argv[1]]
raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]
picture = bytearray({WIDTH * HEIGHT * 3})
print("reads", flush=True)
with subprocess.Popen([*grab, *raw], stdout=subprocess.PIPE, bufsize=0) as ffmpeg:
    while True:
        room = memoryview(picture)
        while room:
            room = room[ffmpeg.stdout.readinto(room) :]
"""


def spent(pids: Sequence[int]) -> float:
    """Seconds of processor time so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def share(pids: Sequence[int]) -> float:
    """Per cent of a core over the next seconds."""
    before, begin = spent(pids), time.perf_counter()
    await asyncio.sleep(SECONDS)
    return (spent(pids) - before) / (time.perf_counter() - begin) * 100


def recorders(pid: int) -> list[int]:
    return [one for one in family(pid) if Path(f"/proc/{one}/comm").read_text().strip() == "ffmpeg"]


def config(folder: Path, rate: float) -> DeviceConfig:
    rows = np.arange(HEIGHT, dtype=np.uint32)[:, None] * 37
    picture = (rows + np.arange(WIDTH, dtype=np.uint32)[None, :] * 0x030201) & 0xFFFFFF
    (folder / "picture").write_bytes(picture.astype("<u4").tobytes())
    command = [
        sys.executable,
        str(SUPPORT / "xapp.py"),
        str(folder / "log"),
        str(folder / "picture"),
        str(rate),
    ]
    return DeviceConfig("x11", WIDTH, HEIGHT, FPS, {"command": command})


async def reading(code: str, where: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, where, stdout=pipe)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"reads\n"
    return process


async def shots(device: DeviceProcess, kind: str, width: int | None) -> list[float]:
    """Milliseconds."""
    taken = []
    for _ in range(SHOTS):
        begin = time.perf_counter()
        await device.screenshot(kind, width)
        taken.append((time.perf_counter() - begin) * 1000)
        await asyncio.sleep(1 / FPS)
    return taken


async def measured(device: DeviceProcess, folder: Path, what: str) -> tuple[list[Row], list[Row]]:
    host = [device.pid or 0]
    alone = await share(host)
    costs: list[Row] = [(what, "capture alone", alone, "", "")]
    reader = await reading(READER, str(device.socket))
    both = await share([*host, reader.pid])
    costs.append((what, "one reader of every frame", both, both - alone, "< 15 beyond capture"))
    latencies: list[Row] = []
    for kind, width in (("png", None), ("jpeg", 640)):
        taken = await shots(device, kind, width)
        size = f"{kind} {width or WIDTH}"
        latencies.append((what, size, percentile(taken, 0.5), percentile(taken, 0.95), "< 100 p50"))
    reader.kill()
    await reader.wait()
    await device.record(folder / "video.mp4")
    await asyncio.sleep(1)
    recorder = recorders(device.pid or 0)
    recording = await share([*host, *recorder])
    costs.append((what, "recording, ffmpeg included", recording, recording - alone, ""))
    await device.end_recording()
    return costs, latencies


async def by_pipe(display: str, what: str) -> Row:
    reader = await reading(PIPE, display)
    await asyncio.sleep(2)
    cost = await share(family(reader.pid))
    for pid in reversed(family(reader.pid)):
        os.kill(pid, 9)
    await reader.wait()
    return (what, "for comparison: x11grab and a pipe, one reader", cost, "", "")


def display_of(device: DeviceProcess) -> str:
    code = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\nfrom device_wire import DeviceWire\n"
    code += "print(DeviceWire(sys.argv[1]).hello().said['name'].split()[-1])"
    return subprocess.check_output([sys.executable, "-c", code, str(device.socket)], text=True).strip()


async def run() -> None:
    costs: list[Row] = []
    latencies: list[Row] = []
    for what, rate in (("still", 0.0), ("moving", float(FPS))):
        with tempfile.TemporaryDirectory() as folder:
            async with DeviceProcess(config(Path(folder), rate)) as device:
                await device.ready(60)
                await asyncio.sleep(2)
                more, taken = await measured(device, Path(folder), what)
                costs += [*more, await by_pipe(await asyncio.to_thread(display_of, device), what)]
                latencies += taken
    show(
        f"x11, {WIDTH}x{HEIGHT}, {FPS} a second: per cent of a core",
        ("picture", "", "all", "beyond capture", "asked"),
        costs,
    )
    show("Screenshots, with a reader: ms", ("picture", "", "p50", "p95", "asked"), latencies)


def main() -> None:
    asyncio.run(run())
