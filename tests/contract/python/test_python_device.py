"""Tests of a pack on a node with a device: a menu on an X display, seen and pressed for real."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from PIL import Image

from anyrig.core.devices import DeviceConfig
from anyrig.core.results import Verdict
from anyrig.devices.client import DeviceProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.python.conftest import Agent, Told

PACK = Path(__file__).parents[2] / "packs" / "screen"
PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
MARKER = (255, 255, 0)
"""Red, green, blue; at 65, 65 if the first item of the menu is marked."""
BACKGROUND = (0x20, 0x30, 0x40)
PICTURES = {"screenshot.png", "thumbnail.jpg", "video.mp4"}


@asynccontextmanager
async def menu(folder: Path) -> AsyncIterator[DeviceProcess]:
    """A device, once it shows the menu."""
    command = ["python3", str(PACK / "menu.py")]
    async with DeviceProcess(DeviceConfig("x11", 640, 360, options={"command": command})) as device:
        with anyio.fail_after(60):
            await device.ready(30)
            while not await shows_the_menu(device, folder):
                pass
        yield device


@pytest.fixture(scope="module")
async def screen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeviceProcess]:
    async with menu(tmp_path_factory.mktemp("menu")) as device:
        yield device


async def shows_the_menu(device: DeviceProcess, folder: Path) -> bool:
    await device.save_pictures(folder)
    return Image.open(folder / "screenshot.png").convert("RGB").getpixel((5, 5)) == BACKGROUND


@pytest.fixture
def rig(agent: Agent, screen: DeviceProcess) -> Agent:
    agent.pack, agent.device = PACK, screen
    return agent


@pytest.fixture
async def dark_rig(agent: Agent, tmp_path: Path) -> AsyncIterator[Agent]:
    """Its device never gives a picture."""
    nothing = {"input": str(tmp_path / "nothing.mp4")}
    async with DeviceProcess(DeviceConfig("video", options=nothing, control="none")) as device:
        agent.pack, agent.device = PACK, device
        yield agent


@pytest.fixture
def film(tmp_path: Path) -> Path:
    file = tmp_path / "film.mp4"
    made = f"ffmpeg -v error -f lavfi -i testsrc=size=640x360:rate=25 -t 5 {file}"
    subprocess.run(made.split(), check=True)
    return file


def pictured(told: Told, name: str = "screenshot.png") -> Image.Image:
    return Image.open(io.BytesIO(told.output[name])).convert("RGB")


def marks(told: Told) -> bool:
    """Whether the first item is marked in the screenshot."""
    return pictured(told).getpixel((65, 65)) == MARKER


def seconds(video: Path) -> float:
    argv = ["ffprobe", "-v", "error", "-show_format", "-of", "json", str(video)]
    said = subprocess.run(argv, check=True, capture_output=True).stdout
    return float(json.loads(said)["format"]["duration"])


@pytest.mark.parametrize(
    "test",
    [
        "test_a_menu_is_matched_and_read",
        "test_keys_move_it",
        "test_nothing_moves",
        "test_presses_until_it_matches",
        "test_is_black",
        "test_held_keys",
        "test_keys_are_not_pressed_sooner_than_the_device_can_take_them",
        "test_times_are_of_this_clock",
        "test_frames_are_not_for_writing",
    ],
)
async def test_stbt_core_works_on_the_device(rig: Agent, test: str) -> None:
    told = await rig.run(f"screen.py::{test}")
    assert told.outcome.verdict is PASS, told.log_text


@pytest.mark.parametrize(
    "test",
    [
        "test_keeps_a_hundred_frames",
        "test_a_view_of_a_view_outlives_its_frame",
        "test_looks_at_many_frames_and_keeps_none",
        "test_forks_and_both_look",
        "test_processes_look",
        "test_threads_look_while_a_key_is_down",
        "test_closes_all_that_is_open_in_a_fork",
        "test_is_interrupted_while_it_waits",
    ],
)
async def test_frames_are_good_for_as_long_as_somebody_has_them(rig: Agent, test: str) -> None:
    told = await rig.run(f"memory.py::{test}")
    assert told.outcome.verdict is PASS, told.log_text


async def test_crashed_tests_leave_pictures_a_video_and_nothing_that_the_next_would_miss(rig: Agent) -> None:
    crashes = ["memory.py::test_crashes_with_frames", "memory.py::test_is_killed_with_frames"] * 5
    told = await rig.run(*crashes, "memory.py::test_looks_at_many_frames_and_keeps_none")
    verdicts = [outcome.verdict for _, outcome in told.results]
    assert verdicts == [ERROR] * 10 + [PASS], told.log_text
    assert all(set(files) >= PICTURES for files in told.files)


async def test_a_key_that_a_dead_test_held_is_up_for_the_next(rig: Agent) -> None:
    told = await rig.run("memory.py::test_holds_a_key_when_it_crashes", "memory.py::test_nothing_moves")
    assert [outcome.verdict for _, outcome in told.results] == [ERROR, PASS], told.log_text


async def test_a_test_that_takes_too_long_leaves_pictures_too(rig: Agent) -> None:
    told = await rig.run("memory.py::test_hangs", params={"timeout": 2})
    assert told.outcome.reason == "The test took longer than 2 s (watchdog_timeout) and was stopped"
    assert set(told.output) >= PICTURES
    assert pictured(told).size == (640, 360)


async def test_a_result_has_a_screenshot_a_thumbnail_and_a_video_of_its_time(
    rig: Agent, tmp_path: Path
) -> None:
    told = await rig.run("screen.py::test_held_keys")
    assert pictured(told).size == (640, 360)
    thumbnail = Image.open(io.BytesIO(told.output["thumbnail.jpg"]))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (640, 360))
    (tmp_path / "video.mp4").write_bytes(told.output["video.mp4"])
    assert 2 < seconds(tmp_path / "video.mp4") < 40


async def test_the_screenshot_is_the_one_that_the_exception_has(rig: Agent) -> None:
    told = await rig.run("screen.py::test_sees_the_menu_then_the_page_and_fails_with_the_menu")
    assert told.outcome.verdict is FAIL, told.log_text
    assert marks(told)


async def test_a_match_that_does_not_come_is_a_failure_that_names_the_picture(rig: Agent) -> None:
    told = await rig.run("screen.py::test_a_match_that_does_not_come")
    assert told.outcome.verdict is FAIL
    assert told.outcome.reason == "Didn't find match for 'tests/absent.png' within 1 seconds."
    assert set(told.output) >= PICTURES


async def test_a_test_that_does_not_look_has_a_new_picture(rig: Agent) -> None:
    told = await rig.run("screen.py::test_does_not_look")
    assert pictured(told).getpixel((5, 5)) == BACKGROUND


async def test_a_tests_own_file_is_kept_though_it_has_a_name_of_ours(rig: Agent) -> None:
    told = await rig.run("screen.py::test_takes_its_own_screenshot")
    assert told.output["screenshot.png"] == b"mine"
    assert set(told.output) >= PICTURES


async def test_pictures_and_videos_can_be_left_out(rig: Agent) -> None:
    told = await rig.run("screen.py::test_does_not_look", params={"video": "false", "screenshot": False})
    assert not set(told.output) & PICTURES


async def test_a_key_that_the_control_does_not_have_is_an_error(rig: Agent) -> None:
    told = await rig.run("screen.py::test_a_key_that_is_not_there")
    assert told.outcome.verdict is ERROR
    assert "has no key 'NoSuchKeysym'" in (told.outcome.reason or "")
    assert (told.outcome.traceback or "").splitlines()[-1].startswith("UnknownKey: ")


async def test_the_tasks_remote_control_goes_before_the_packs(rig: Agent) -> None:
    moves = "screen.py::test_ok_moves_the_marker"
    assert (await rig.run(moves, remote_control="toes")).outcome.verdict is PASS
    assert (await rig.run(moves)).outcome.verdict is FAIL


async def test_a_remote_control_that_is_not_in_the_pack_is_an_error_of_every_test(rig: Agent) -> None:
    told = await rig.run(*["screen.py::test_does_not_look"] * 2, remote_control="fingers")
    assert [outcome.verdict for _, outcome in told.results] == [ERROR, ERROR]
    assert "those in config/remote-control are keyboard, toes" in (told.results[1][1].reason or "")


async def test_a_file_may_look_while_it_is_imported_and_its_tests_have_what_it_saw(rig: Agent) -> None:
    told = await rig.run("imported.py::test_has_the_frame", "imported.py::test_has_it_too")
    assert [outcome.verdict for _, outcome in told.results] == [PASS, PASS], told.log_text


async def test_what_a_file_saw_when_it_was_imported_is_not_shown_to_tests_of_another_node(rig: Agent) -> None:
    await rig.run("imported.py::test_has_the_frame")
    rig.device = None
    told = await rig.run("imported.py::test_has_the_frame", node="rig2")
    assert told.outcome.reason == "Node rig2 has no device, which stbt.get_frame needs"


async def test_a_device_without_a_control_can_be_watched_and_says_so_when_a_key_is_pressed(
    agent: Agent, film: Path
) -> None:
    options = {"input": str(film), "loop": True}
    async with DeviceProcess(DeviceConfig("video", 640, 360, options=options)) as device:
        agent.pack, agent.device = PACK, device
        told = await agent.run("screen.py::test_times_are_of_this_clock", "screen.py::test_held_keys")
    (_, looks), (_, presses) = told.results
    assert (looks.verdict, presses.verdict) == (PASS, ERROR), told.log_text
    assert (presses.traceback or "").splitlines()[-1].startswith("NoControl: ")


async def test_without_a_picture_the_test_is_an_error_and_does_not_run(dark_rig: Agent) -> None:
    told = await dark_rig.run("screen.py::test_does_not_look")
    assert told.outcome.verdict is ERROR
    assert (told.outcome.reason or "").startswith("no video from")
    assert not set(told.output) & PICTURES
    assert [line for line in told.messages if "no video from" in line]


async def test_a_task_that_is_stopped_while_it_waits_for_a_picture_ends_at_once(
    dark_rig: Agent, told: Told
) -> None:
    with anyio.fail_after(9):  # it would wait for 10 s
        async with anyio.create_task_group() as group:
            group.start_soon(partial(dark_rig.run, "screen.py::test_does_not_look", told=told))
            await anyio.wait_all_tasks_blocked()
            dark_rig.stop.set("Stopped by ada.", 5)
    assert told.began == []


async def test_a_test_survives_the_end_of_the_device_process(
    agent: Agent, told: Told, tmp_path: Path
) -> None:
    async with menu(tmp_path) as device:
        agent.pack, agent.device = PACK, device
        killed: list[int] = []

        def kill(told: Told) -> None:
            if "looking" in told.messages and not killed and device.pid is not None:
                killed.append(device.pid)
                os.kill(device.pid, signal.SIGKILL)

        told.on_log = kill
        await agent.run("memory.py::test_goes_on_with_a_new_device_process", told=told)
    assert killed
    assert told.outcome.verdict is PASS, told.log_text
