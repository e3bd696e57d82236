"""An X display as a device: a real X server, and a real program on it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from device_wire import DeviceWire
from rigs import Rig, colour, is_alive, next_colour, of_process, random_picture, until, until_trouble
from xserver import XServer

from anyrig.core.devices import DeviceConfig, Remote
from anyrig.core.errors import ControlFailed, NoControl, NoVideo, UnknownKey
from anyrig.devices.client import DeviceProcess

RETURN, ESCAPE, RED, E_ACUTE, SNOWMAN = 0xFF0D, 0xFF1B, 0x1008FFA3, 0xE9, 0x1002603


async def test_frames_are_pixel_for_pixel_what_the_display_shows(tmp_path: Path) -> None:
    picture = random_picture(1)
    rig = Rig(tmp_path, picture)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.ready(60)
        with DeviceWire(device.socket) as wire:
            slots = wire.hello()
            assert slots.said["name"].startswith("x11 display :")
            frame = wire.frame()
            while not np.array_equal(slots.picture(frame["slot"]), picture):
                frame = wire.frame(after=frame["seq"])


async def test_another_display_is_seen_as_it_is(tmp_path: Path) -> None:
    picture = random_picture(2)
    rig = Rig(tmp_path, picture)
    async with DeviceProcess(rig.config) as first:
        await rig.until_line("ready")
        with DeviceWire(first.socket) as wire:
            display = wire.hello().said["name"].removeprefix("x11 display ")
        given = DeviceConfig("x11", rig.config.width, rig.config.height, options={"display": display})
        async with DeviceProcess(given) as second:
            await second.ready(60)
            await second.press("KEY_OK")
            await rig.until_line(f"down {RETURN:x}")
            with DeviceWire(second.socket) as wire:
                assert next_colour(wire, picture[120, 161].tolist()) == colour(RETURN)


async def test_a_display_that_ends_gives_no_more_pictures_until_it_is_there_again() -> None:
    server = XServer(64, 64)
    server.start()
    try:
        given = DeviceConfig("x11", 64, 64, options={"display": server.display})
        async with DeviceProcess(given) as device:
            await device.ready(60)
            server.stop()
            trouble = await until_trouble(device, "X server")
            assert trouble.startswith(f"no video from x11 display {server.display}: ")
            server.start()
            await device.ready(60)
            await device.press("KEY_OK")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("KEY_OK", [RETURN]),
        ("Return", [RETURN]),
        ("KEY_5", [ord("5")]),
        ("q", [ord("q")]),
        ("Q", [0xFFE1, ord("Q")]),
        ("é", [E_ACUTE]),
        ("☃", [SNOWMAN]),
        ("KEY_RED", [RED]),
        ("ctrl+c", [0xFFE3, ord("c")]),
        ("F5", [0xFFC2]),
    ],
)
async def test_keys_reach_the_program(tmp_path: Path, key: str, seen: list[int]) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.press(key)
        await rig.until_line(f"up {seen[0]:x}")
    downs = [line for line in rig.lines() if line.startswith("down")]
    assert downs == [f"down {keysym:x}" for keysym in seen]


async def test_a_key_is_seen_in_the_next_frames(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            pressed = wire.ask("press", key="KEY_BACK", hold=None)
            assert pressed["start"] < pressed["end"]
            assert next_colour(wire, [0, 0, 0]) == colour(ESCAPE)


async def test_a_held_key_stays_down_for_so_long(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            pressed = wire.ask("press", key="KEY_UP", hold=0.3)
            assert pressed["end"] - pressed["start"] >= 0.3


async def test_what_a_client_holds_down_goes_up_with_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            assert wire.ask("down", key="KEY_OK")["time"] > 0
            await rig.until_line(f"down {RETURN:x}")
            assert f"up {RETURN:x}" not in rig.lines()
        await rig.until_line(f"up {RETURN:x}")


async def test_a_long_press_ends_with_the_client_that_wants_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        with DeviceWire(device.socket) as wire:
            wire.tell("press", key="KEY_OK", hold=500)
            await rig.until_line(f"down {RETURN:x}")
        await rig.until_line(f"up {RETURN:x}")


async def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with DeviceProcess(Rig(tmp_path).config) as device:
        await device.ready(60)
        with pytest.raises(UnknownKey, match=r"^The control x11 :\d+ has no key 'KEY_BLACKHOLE'\.$"):
            await device.press("KEY_BLACKHOLE")
        await device.press("KEY_OK")


async def test_keymaps_say_what_a_key_is_that_of_the_remote_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path, keymap={"KEY_OK": "Escape", "KEY_STAR": "asterisk"})
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.press("KEY_OK")
        await rig.until_line(f"down {ESCAPE:x}")
        await device.use(Remote("black", {"KEY_OK": "KEY_RED"}))
        await device.press("KEY_OK")
        await device.press("KEY_STAR")
        await rig.until_line(f"down {RED:x}")
        await rig.until_line(f"down {ord('*'):x}")


async def test_the_program_is_started_again_when_it_ends(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        [program] = [pid for pid in of_process(device.pid or 0, "python") if _is_app(pid)]
        os.kill(program, signal.SIGKILL)
        await rig.until_line("ready", 2)
        assert (await device.health()).trouble is None


async def test_a_program_that_does_not_work_is_a_trouble(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'import sys; sys.exit(\"out of order\")'"
    async with DeviceProcess(DeviceConfig("x11", 64, 64, options={"command": command})) as device:
        trouble = await until_trouble(device, "out of order")
        assert trouble.startswith("no video from x11 display :")
        assert trouble.endswith(f"its command '{sys.executable}' ended with 1; out of order")


async def test_a_program_that_is_not_there_is_a_trouble() -> None:
    async with DeviceProcess(DeviceConfig("x11", 64, 64, options={"command": "/no/such-tv"})) as device:
        trouble = await until_trouble(device, "such-tv")
        assert trouble.endswith("'/no/such-tv' ended with 127; /no/such-tv: No such file or directory")


async def test_whatever_the_program_starts_ends_with_the_device(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(8642)\n"
    )
    options = {"command": [sys.executable, "-c", code]}
    async with DeviceProcess(DeviceConfig("x11", 64, 64, options=options)):
        await until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "two processes")
    assert not [pid for pid in pids.read_text().split() if is_alive(int(pid))]


async def test_a_killed_x_server_comes_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        [server] = of_process(device.pid or 0, "Xvfb")
        os.kill(server, signal.SIGKILL)
        await rig.until_line("ready", 2)
        await device.ready(60)
        await device.press("KEY_OK")
        await rig.until_line(f"down {RETURN:x}")


async def test_a_killed_x_server_is_no_video_until_it_is_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        [server] = of_process(device.pid or 0, "Xvfb")
        os.kill(server, signal.SIGKILL)
        await until_trouble(device, "Xvfb ended with -9")
        with pytest.raises(NoVideo, match="Xvfb ended with -9"):
            await device.ready(0)


async def test_a_killed_device_process_leaves_nothing_and_comes_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with DeviceProcess(rig.config) as device:
        await rig.until_line("ready")
        await device.use(Remote("", {"KEY_OK": "KEY_RED"}))
        host = device.pid or 0
        old = [*of_process(host, "Xvfb"), *of_process(host, "python")]
        assert len(old) >= 3
        os.kill(host, signal.SIGKILL)
        await rig.until_line("ready", 2)
        await until(lambda: not [pid for pid in old if is_alive(pid)], "the old processes end")
        await device.press("KEY_OK")
        await rig.until_line(f"down {RED:x}")


async def test_a_device_ends_with_the_agent_however_that_ends(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    code = (
        "import asyncio, sys\n"
        "from anyrig.core.devices import DeviceConfig\n"
        "from anyrig.devices.client import DeviceProcess\n"
        "async def main():\n"
        f"    config = DeviceConfig('x11', 64, 64, options={dict(rig.config.options)!r})\n"
        "    async with DeviceProcess(config) as device:\n"
        "        await device.ready(60)\n"
        "        print(device.pid, device.socket.parent, flush=True)\n"
        "        await asyncio.sleep(8642)\n"
        "asyncio.run(main())\n"
    )
    pipe = asyncio.subprocess.PIPE
    agent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=pipe)
    assert agent.stdout is not None
    pid, folder = (await agent.stdout.readline()).decode().split()
    host = int(pid)
    await rig.until_line("ready")
    all_of_it = [host, *of_process(host, "Xvfb"), *of_process(host, "python")]
    assert len(all_of_it) >= 4
    agent.kill()
    await agent.wait()
    await until(lambda: not [pid for pid in all_of_it if is_alive(pid)], "all of it ends")
    await until(lambda: not Path(folder).exists(), "its folder goes")


async def test_a_device_without_a_control_says_so(tmp_path: Path) -> None:
    config = DeviceConfig("video", 64, 64, options={"input": "testsrc2", "format": "lavfi"})
    async with DeviceProcess(config) as device:
        await device.ready(60)
        with pytest.raises(NoControl, match="Device video has nothing that presses keys"):
            await device.press("KEY_OK")


async def test_no_control_by_choice_says_so(tmp_path: Path) -> None:
    async with DeviceProcess(Rig(tmp_path, control="none").config) as device:
        await device.ready(60)
        with pytest.raises(
            ControlFailed, match="KEY_OK was not pressed, as the device has no control by choice"
        ):
            await device.press("KEY_OK")


def _is_app(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline").read_text()
    return "xapp.py" in command and "leash.py" not in command
