"""A Roku's keys, against an HTTP server that notes what it is asked."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from anyrig.core.errors import ControlFailed, Invalid, UnknownKey
from anyrig.devices.roku import open_control


class Peer:
    """Answers as a Roku does."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[tuple[str, float]] = []
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        assert request.method == "POST"
        self.asked.append((request.raw_path, asyncio.get_running_loop().time()))
        return web.Response(status=self.status)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
async def roku() -> AsyncIterator[Peer]:
    peer = Peer()
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", peer.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    peer.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield peer
    await runner.cleanup()


async def test_keys_have_the_names_that_a_roku_gives_them(roku: Peer) -> None:
    keys = [
        "KEY_OK",
        "KEY_UP",
        "KEY_VOLUMEUP",
        "KEY_REWIND",
        "Home",
        "KEY_7",
        "q",
        "Lit_é",
        "/",
        " ",
        "KEY_BACK",
    ]
    async with open_control({"address": roku.address}) as control:
        for key in keys:
            await control.press(key, None)
    names = [
        "Select",
        "Up",
        "VolumeUp",
        "Rev",
        "Home",
        "Lit_7",
        "Lit_q",
        "Lit_%C3%A9",
        "Lit_%2F",
        "Lit_%20",
        "Back",
    ]
    assert roku.paths == [f"/keypress/{name}" for name in names]


async def test_a_held_key_goes_down_and_later_up(roku: Peer) -> None:
    async with open_control({"address": roku.address}) as control:
        await control.press("KEY_RIGHT", 0.3)
        await control.down("KEY_LEFT")
        await control.up("KEY_LEFT")
    assert roku.paths == ["/keydown/Right", "/keyup/Right", "/keydown/Left", "/keyup/Left"]
    assert roku.asked[1][1] - roku.asked[0][1] >= 0.3


async def test_a_key_whose_press_is_cancelled_goes_up(roku: Peer) -> None:
    async with open_control({"address": roku.address}) as control:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await control.press("KEY_RIGHT", 60)
    assert roku.paths == ["/keydown/Right", "/keyup/Right"]


@pytest.mark.parametrize("key", ["KEY_NONSENSE", "", "Home/../../launch/1", "Lit_ab", "\n", "Lit_"])
async def test_an_unknown_key_is_refused_before_the_roku_is_asked(roku: Peer, key: str) -> None:
    async with open_control({"address": roku.address}) as control:
        with pytest.raises(UnknownKey, match=r"The control roku 127\.0\.0\.1:"):
            await control.press(key, None)
    assert roku.paths == []


@pytest.mark.parametrize(("status", "words"), [(403, "Control by mobile apps"), (500, "HTTP status 500")])
async def test_a_roku_that_refuses_says_why(roku: Peer, status: int, words: str) -> None:
    roku.status = status
    async with open_control({"address": roku.address}) as control:
        with pytest.raises(ControlFailed, match=rf"did not do it: KEY_OK: .*{words}"):
            await control.press("KEY_OK", None)


async def test_a_roku_that_is_away_is_a_failure() -> None:
    async with open_control({"address": "127.0.0.1:9"}) as control:
        with pytest.raises(
            ControlFailed, match=r"The control roku 127.0.0.1:9 did not do it: KEY_OK: .*refused"
        ):
            await control.press("KEY_OK", None)


@pytest.mark.parametrize("address", ["", "a b", "http://roku", "roku:port", "me@roku", "roku/x", "-roku"])
async def test_only_addresses_are_taken(address: str) -> None:
    with pytest.raises(Invalid, match="is no address"):
        async with open_control({"address": address}):
            pass
