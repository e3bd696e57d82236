"""Web pages as devices, in a real Chromium."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import pytest
from webpage import Site, browser, browsers, profiles, served, words_of

from anyrig.core.errors import Invalid, NoVideo, UnknownKey
from anyrig.devices.browser.device import LASTED

BLUE, GREEN, RED, WHITE = (0, 0, 255), (0, 128, 0), (255, 0, 0), (255, 255, 255)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as site:
        yield site


async def test_a_page_is_seen_exactly_and_again_and_again(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(320, 180) == BLUE)
        assert {tv.canvas.colour(x, y) for x in (0, 639) for y in (0, 359)} == {BLUE}
        count = len(tv.canvas.times)
        await tv.canvas.until(lambda: len(tv.canvas.times) > count + 10)
    assert tv.canvas.times == sorted(tv.canvas.times)
    [opened] = site.of("opened")
    assert opened["size"] == [640, 360, 1, 640, 360]
    assert opened["focus"]
    assert opened["visible"] == "visible"


async def test_keys_change_the_picture(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        for key, colour in [("KEY_UP", RED), ("ArrowDown", GREEN), ("KEY_UP", RED)]:
            await tv.control.press(key, None)
            await tv.canvas.until(lambda colour=colour: tv.canvas.colour(5, 5) == colour)  # type: ignore[misc]


async def test_a_key_is_what_a_keyboard_sends(site: Site) -> None:
    async with browser(site.url) as tv:
        for key in ("a", "A", "?", "é", "ctrl+c", "shift+a", "KEY_BACK", "KEY_RED", "KEY_7", "Tab"):
            await tv.control.press(key, None)
        await tv.control.press("KEY_BLUE", None)
        async with asyncio.timeout(20):
            while not any(word["key"] == "ColorF3Blue" for word in site.of("keyup")):
                await site.heard("keyup", len(site.of("keyup")) + 1)
    down = [(word["key"], word["code"], word["number"], word["shift"]) for word in site.of("keydown")]
    assert sorted(down) == sorted(
        [
            ("a", "KeyA", 65, False),
            ("A", "KeyA", 65, True),
            ("?", "Slash", 191, True),
            ("é", "", 0, False),
            ("Control", "ControlLeft", 17, False),
            ("c", "KeyC", 67, False),
            ("Shift", "ShiftLeft", 16, True),
            ("A", "KeyA", 65, True),
            ("Escape", "Escape", 27, False),
            ("ColorF0Red", "", 403, False),
            ("7", "Digit7", 55, False),
            ("Tab", "Tab", 9, False),
            ("ColorF3Blue", "", 406, False),
        ]
    )
    assert sorted(word["key"] for word in site.of("keypress")) == sorted(["a", "A", "?", "é", "A", "7"])


async def test_a_key_that_is_held_repeats_until_it_is_let_go(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.control.press("KEY_LEFT", 1.2)
        [up] = await site.heard("keyup")
        events = site.of("keydown")
    events.sort(key=lambda word: float(word["at"]))
    assert not events[0]["repeat"]
    assert len(events) > 2
    assert all(word["repeat"] for word in events[1:])
    assert events[1]["at"] - events[0]["at"] > 450
    assert up["at"] - events[0]["at"] > 1150


async def test_a_key_goes_down_and_up_by_itself(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.control.down("x")
        await site.heard("keydown", 2)
        assert not site.of("keyup")
        await tv.control.up("x")
        [up] = await site.heard("keyup")
        assert up["key"] == "x"


async def test_the_last_picture_of_an_animation_is_seen(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        for _ in range(5):
            await tv.control.press("m", None)
            await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == WHITE)
            await tv.control.press("KEY_DOWN", None)
            await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == GREEN)


async def test_a_page_that_asks_something_goes_on(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.control.press("KEY_OK", None)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == GREEN)


async def test_another_site_is_seen_too(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        await tv.control.press("n", None)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == RED)


async def test_pictures_may_be_less_exact_and_quicker(site: Site) -> None:
    async with browser(site.url, quality=80) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == (0, 0, 254))
        await tv.control.press("KEY_UP", None)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == (254, 0, 0))


async def test_a_key_that_nobody_knows_is_refused(site: Site) -> None:
    async with browser(site.url) as tv:
        with pytest.raises(UnknownKey, match="The control browser has no key 'KEY_NONSENSE'"):
            await tv.control.press("KEY_NONSENSE", None)
        with pytest.raises(UnknownKey):
            await tv.control.down("")


async def test_a_page_that_crashes_at_once_is_no_video(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        for pid in browsers("renderer"):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(NoVideo, match="the page has crashed"):
            await asyncio.wait_for(tv.running, 20)


async def test_a_page_that_crashes_later_is_opened_again(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        first = tv.canvas.times[0]
        await tv.canvas.until(lambda: tv.canvas.times[-1] > first + LASTED)
        await tv.control.press("KEY_UP", None)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == RED)
        for pid in browsers("renderer"):
            os.kill(pid, signal.SIGKILL)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        await tv.control.press("KEY_DOWN", None)
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == GREEN)


async def test_a_browser_that_dies_is_no_video_and_can_be_opened_again(site: Site) -> None:
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        os.kill(min(browsers()), signal.SIGKILL)
        with pytest.raises(NoVideo, match="the browser has ended"):
            await asyncio.wait_for(tv.running, 20)
    assert not browsers()
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)


async def test_nothing_is_left_when_it_is_closed(site: Site) -> None:
    before = profiles()
    async with browser(site.url) as tv:
        await tv.canvas.until(lambda: tv.canvas.colour(5, 5) == BLUE)
        assert len(profiles() - before) == 1
        assert browsers()
    assert not browsers()
    assert profiles() <= before


OPENS = """
import asyncio, sys
from anyrig.core.devices import DeviceConfig
from anyrig.devices.browser.device import open_device

async def main():
    async with open_device(DeviceConfig("browser", 640, 360, options={"url": sys.argv[1]})):
        print("open", flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


def ended(pids: list[int], seconds: float) -> bool:
    """Whether none of them runs any more, soon: they are no children of ours that could be awaited."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if all(words_of(pid) == [""] for pid in pids):
            return True
        time.sleep(0.05)
    return False


async def test_nothing_is_left_of_a_process_that_was_killed(site: Site) -> None:
    before = profiles()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OPENS, site.url), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"open\n"
    [profile] = profiles() - before
    left = browsers()
    assert left
    process.kill()
    await process.wait()
    assert await asyncio.to_thread(ended, left, 20)
    async with browser(site.url):
        assert not profile.exists()


async def test_a_page_that_cannot_be_had_says_why() -> None:
    with pytest.raises(NoVideo, match=r"no video from browser http://127\.0\.0\.1:9/x: net::ERR_"):
        async with browser("http://user:secret@127.0.0.1:9/x?token=secret"):
            pass


async def test_a_browser_that_is_not_there_says_so(site: Site) -> None:
    with pytest.raises(NoVideo, match="netscape is not installed"):
        async with browser(site.url, program="netscape"):
            pass
    with pytest.raises(NoVideo, match="it has ended"):
        async with browser(site.url, program="false"):
            pass


@pytest.mark.parametrize("url", ["javascript:alert(1)", "chrome://settings", "--headless", "http://[", ""])
async def test_only_addresses_of_pages_are_opened(url: str) -> None:
    with pytest.raises(Invalid, match="is no address of a page"):
        async with browser(url):
            pass
