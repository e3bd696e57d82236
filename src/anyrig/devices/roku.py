"""A Roku's keys, by its External Control Protocol: HTTP, in the Roku's own network.

https://developer.roku.com/docs/developer-program/dev-tools/external-control-api.md: keypress, keydown, keyup.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, UnknownKey
from anyrig.devices.addresses import host_and_port, words
from anyrig.devices.base import Control

KIND = "roku"
PORT = 8060
ANSWER_SECONDS = 5.0
_LITERAL = "Lit_"
_KEYS = frozenset(
    {
        "Home",
        "Rev",
        "Fwd",
        "Play",
        "Select",
        "Left",
        "Right",
        "Down",
        "Up",
        "Back",
        "InstantReplay",
        "Info",
        "Backspace",
        "Search",
        "Enter",
        "FindRemote",
        "VolumeDown",
        "VolumeMute",
        "VolumeUp",
        "Power",
        "PowerOff",
        "PowerOn",
        "ChannelUp",
        "ChannelDown",
        "Sleep",
        "InputTuner",
        "InputHDMI1",
        "InputHDMI2",
        "InputHDMI3",
        "InputHDMI4",
        "InputAV1",
    }
)
"""To any other name a Roku says yes too, and does nothing."""
_OF_REMOTES = {
    "KEY_OK": "Select",
    "KEY_SELECT": "Select",
    "KEY_EXIT": "Back",
    "KEY_ESC": "Back",
    "KEY_HOMEPAGE": "Home",
    "KEY_REWIND": "Rev",
    "KEY_FASTFORWARD": "Fwd",
    "KEY_FORWARD": "Fwd",
    "KEY_PLAYPAUSE": "Play",
    "KEY_PAUSE": "Play",
    "KEY_AGAIN": "InstantReplay",
    "KEY_OPTION": "Info",
    "KEY_MENU": "Info",
    "KEY_MUTE": "VolumeMute",
    "KEY_DELETE": "Backspace",
    "KEY_SPACE": " ",
    "KEY_DOT": ".",
    "KEY_COMMA": ",",
    "KEY_TUNER": "InputTuner",
}
"""Linux's names (linux/input-event-codes.h), as remote controls have them, that a Roku calls otherwise."""
_KEY = "KEY_"
_SAME_WORD = {name.upper(): name for name in _KEYS}
_WHY = {
    401: "it does not let this machine press keys",
    403: "it does not let other machines press keys: see 'Control by mobile apps' in its settings",
    503: "it is not ready",
}


@asynccontextmanager
async def open_control(options: dict[str, Any]) -> AsyncIterator[Control]:
    """``address``: of the Roku, host or host:port."""
    host, port = host_and_port(options["address"], PORT)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        yield Roku(session, URL.build(scheme="http", host=host, port=port))


class Roku:
    """Not for use by two tasks at once, as its caller sees to."""

    def __init__(self, session: aiohttp.ClientSession, address: URL) -> None:
        self._session = session
        self._address = address
        self._name = f"roku {address.authority}"

    async def press(self, key: str, hold: float | None) -> None:
        if hold is None:
            await self._post("keypress", key)
            return
        try:
            await self._post("keydown", key)
            await asyncio.sleep(hold)
        finally:
            await asyncio.shield(self._post("keyup", key))

    async def down(self, key: str) -> None:
        await self._post("keydown", key)

    async def up(self, key: str) -> None:
        await self._post("keyup", key)

    async def use(self, remote: Remote) -> None:
        """A Roku has one remote control."""

    async def _post(self, way: str, key: str) -> None:
        name = ecp_name(key)
        if not name:
            raise UnknownKey(control=self._name, key=key)
        url = URL(f"{self._address}/{way}/{name}", encoded=True)
        try:
            async with self._session.post(url, allow_redirects=False) as answer:
                status = answer.status
        except TimeoutError:
            raise self._failed(key, f"it did not answer within {ANSWER_SECONDS:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise self._failed(key, words(error.os_error)) from error
        except aiohttp.ClientError as error:
            raise self._failed(key, str(error) or type(error).__name__) from error
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._failed(key, _WHY.get(status, f"it answered with HTTP status {status}"))

    def _failed(self, key: str, reason: str) -> ControlFailed:
        return ControlFailed(control=self._name, reason=f"{key}: {reason}")


def ecp_name(key: str) -> str:
    """What a Roku calls a key, as it is in a URL: ``Select`` for ``KEY_OK``, ``Lit_%C3%A9`` for ``é``.

    Empty: it has no such key.
    """
    if key.startswith(_KEY):
        key = _of_remote(key)
    literal = key.removeprefix(_LITERAL)
    if len(literal) == 1 and literal.isprintable():
        return _LITERAL + quote(literal, safe="")
    return key if key in _KEYS else ""


def _of_remote(key: str) -> str:
    word = key.removeprefix(_KEY)
    if key in _OF_REMOTES:
        return _OF_REMOTES[key]
    return word.lower() if len(word) == 1 else _SAME_WORD.get(word, key)
