"""Keys of an Android device, by the Android Debug Bridge."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, Invalid, Unavailable, UnknownKey
from anyrig.devices.addresses import host_and_port
from anyrig.devices.android.keys import keycode
from anyrig.devices.base import Control
from anyrig.devices.programs.piped import Piped, piped
from anyrig.devices.programs.running import found

KIND = "adb"
PORT = 5555
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 15.0
"""``input`` starts a virtual machine for each key: up to a second on slow devices."""
LONG_SECONDS = 0.4
"""What Android takes for a long press (ViewConfiguration.getLongPressTimeout)."""
_SERIAL = re.compile(r"[\w.:@+/][\w.:@+/-]*")
_CONNECTED = ("connected to", "already connected to")
_ERROR = "error: "
_OFFLINE, _ONLINE = "error: device offline", "device"
_WORDS_SECONDS = 2.0
_DURATION = "--duration"


@dataclass(frozen=True, slots=True)
class Adb:
    """One device, as the ``adb`` program finds it."""

    program: str
    serial: str
    server: tuple[str, ...] = ()
    """Switches that name the adb server; without them it is the machine's usual one, which adb starts."""

    def argv(self, *words: str) -> list[str]:
        return [self.program, *self.server, "-s", self.serial, *words]

    def refused(self, reason: str) -> Unavailable:
        return Unavailable(what=f"Android device {self.serial}", reason=reason)


async def connected(options: Mapping[str, Any]) -> Adb:
    """The device of ``serial`` or, in the network, ``address``; ``server_port``: of another adb server.

    Raises:
        Invalid: Both or none of them are given, or one makes no sense.
        Unavailable: There is no such device now.
    """
    serial, address = options.get("serial", ""), options.get("address", "")
    if bool(serial) == bool(address):
        raise Invalid(reason="an Android device has either a serial or an address")
    if address:
        host, port = host_and_port(address, PORT)
        serial = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    elif not _SERIAL.fullmatch(serial):
        raise Invalid(reason=f"'{serial}' is no serial of an Android device")
    server = ("-P", str(options["server_port"])) if "server_port" in options else ()
    try:
        adb = Adb(found("adb"), serial, server)
    except FileNotFoundError as error:
        raise Unavailable(what=f"Android device {serial}", reason=str(error.strerror)) from error
    if address:
        await _connect(adb)
    await _online(adb)
    return adb


async def _connect(adb: Adb) -> None:
    """Raises Unavailable, with adb's words: its exit status is 0 whatever happened."""
    said = await _said(adb, [adb.program, *adb.server, "connect", adb.serial])
    if not said.startswith(_CONNECTED):
        raise adb.refused(said or "adb does not say why")


async def _online(adb: Adb) -> None:
    """A device that was away for a moment is offline until adb has found it again, by itself.

    Raises:
        Unavailable: It is not there, does not trust us, or stays offline.
    """
    said = await _said(adb, adb.argv("get-state"))
    if said == _OFFLINE:
        said = await _said(adb, adb.argv("wait-for-device", "get-state"))
    if said != _ONLINE:
        raise adb.refused(said.removeprefix(_ERROR))


async def _said(adb: Adb, argv: list[str]) -> str:
    """What adb answers, on whichever of its outputs."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS), piped(argv) as talk:
            said = (await talk.reader.read()).decode(errors="replace").strip()
            await asyncio.shield(talk.program.ended)
            return said or talk.program.words
    except TimeoutError:
        raise adb.refused(f"no answer within {CONNECT_SECONDS:g} s") from None


@asynccontextmanager
async def open_control(options: dict[str, Any]) -> AsyncIterator[Control]:
    """``serial`` or ``address`` (host or host:port); ``server_port``: of another adb server."""
    try:
        adb = await connected(options)
    except Unavailable as error:
        raise ControlFailed(control=KIND, reason=str(error)) from error
    async with keys_of(adb) as keys:
        yield keys


@asynccontextmanager
async def keys_of(adb: Adb) -> AsyncIterator["AndroidKeys"]:
    shell = Shell(adb)
    try:
        yield AndroidKeys(adb, shell)
    finally:
        await shell.close()


class Shell:
    """A device's shell, which stays open. Not for use by two tasks at once."""

    def __init__(self, adb: Adb) -> None:
        self._adb = adb
        self._stack = AsyncExitStack()
        self._talk: Piped | None = None

    async def close(self) -> None:
        """The next command opens it again."""
        self._talk = None
        await self._stack.aclose()

    async def run(self, command: str, patience: float = ANSWER_SECONDS) -> tuple[int, str]:
        """Run a command, of words that we chose ourselves; its exit status and what it said.

        Raises:
            Unavailable: The device is away, or does not answer within ``patience`` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                return await self._run(command, secrets.token_hex(8))
        except BaseException as error:
            reason = await self._why(error)
            await self.close()  # what it says later is not to be taken for an answer to the next command
            if reason:
                raise self._adb.refused(reason) from error
            raise

    async def _run(self, command: str, mark: str) -> tuple[int, str]:
        if self._talk is None:
            self._talk = await self._stack.enter_async_context(piped(self._adb.argv("shell")))
        self._talk.writer.write(f"{command} </dev/null 2>&1; echo {mark}:$?\n".encode())
        await self._talk.writer.drain()
        end = re.compile(rf"(.*){mark}:(\d+)")  # an old device's terminal echoes our line too
        said = ""
        while True:
            line = (await self._talk.reader.readuntil()).decode(errors="replace").rstrip("\r\n")
            if match := end.fullmatch(line):
                return int(match[2]), (said + match[1]).strip()
            said += f"{line}\n"

    async def _why(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            return "it does not answer"
        if not isinstance(error, OSError | asyncio.IncompleteReadError):
            return ""
        if self._talk is None:
            return str(error)
        await asyncio.wait([self._talk.program.ended], timeout=_WORDS_SECONDS)
        return self._talk.program.words.removeprefix(_ERROR) or "its shell has ended"


class AndroidKeys:
    """Not for use by two tasks at once, as its caller sees to."""

    def __init__(self, adb: Adb, shell: Shell) -> None:
        self._name = f"{KIND} {adb.serial}"
        self._shell = shell
        self._durations: bool | None = None

    async def press(self, key: str, hold: float | None) -> None:
        code = keycode(key)
        if not code:
            raise UnknownKey(control=self._name, key=key)
        try:
            held = await self._held(hold)
            status, said = await self._shell.run(
                f"input keyevent {held}{code}", ANSWER_SECONDS + (hold or 0.0)
            )
        except Unavailable as error:
            raise ControlFailed(control=self._name, reason=f"{key}: {error.fields['reason']}") from error
        if status or said.startswith("Error"):
            raise ControlFailed(
                control=self._name, reason=f"{key}: {_first_line(said) or f'status {status}'}"
            )

    async def down(self, key: str) -> None:
        raise self._cannot(key)

    async def up(self, key: str) -> None:
        raise self._cannot(key)

    async def use(self, remote: Remote) -> None:
        """Android has its own names of keys."""

    async def _held(self, hold: float | None) -> str:
        """Newer Androids' ``input`` takes a time; to others a press is a short one or a long one."""
        if hold is None:
            return ""
        if self._durations is None:
            _, usage = await self._shell.run("input")
            self._durations = _DURATION in usage
        if self._durations:
            return f"{_DURATION} {max(1, round(hold * 1000))} "
        return "--longpress " if hold >= LONG_SECONDS else ""

    def _cannot(self, key: str) -> ControlFailed:
        reason = f"{key}: Android's 'input' presses a key and lets go of it in one"
        return ControlFailed(control=self._name, reason=reason)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
