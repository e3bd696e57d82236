"""An X display as a device: one of our own, in memory, or one that is there; keys by XTEST."""

import asyncio
import logging
import os
import shlex
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Any

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import ControlFailed, Invalid, NoVideo
from anyrig.devices.base import Canvas, Control, Device, Screen
from anyrig.devices.programs.ffmpeg import Source, Stream
from anyrig.devices.programs.running import leashed, running
from anyrig.devices.programs.work import first_of, in_thread
from anyrig.devices.x11.connection import XConnection, display_number
from anyrig.devices.x11.keyboard import XKeyboard
from anyrig.devices.x11.xvfb import Framebuffer, Xvfb, xvfb

KIND = "x11"
log = logging.getLogger(__name__)
_AT_ONCE = 1.0
"""Seconds: a command that ends sooner has not worked."""
_TRIES = 3
"""So often a command may end at once before that is a trouble of the device."""
_LONGEST_PAUSE = 5.0


@asynccontextmanager
async def open_device(config: DeviceConfig) -> AsyncIterator[Device]:
    """``display``: of an X server that is there; ``command``: what runs on it, an argv or a line of words."""
    async with AsyncExitStack() as stack:
        screen: Screen
        if "display" in config.options:
            display = config.options["display"]
            display_number(display)
            screen = GivenDisplay(display, Stream(_grabbed(display, config), config))
        else:
            server = await stack.enter_async_context(xvfb(config.width, config.height))
            display, screen = server.display, OwnDisplay(server)
        if argv := words(config.options.get("command", [])):
            screen = WithCommand(screen, display, argv)
        keyboard = stack.enter_context(closing(XKeyboard(display)))
        yield Device(screen, keyboard)


@asynccontextmanager
async def open_control(options: dict[str, Any]) -> AsyncIterator[Control]:
    """``display``: of an X server that is there."""
    display_number(options["display"])
    with closing(XKeyboard(options["display"])) as keyboard:
        yield keyboard


def words(command: str | list[str]) -> list[str]:
    """A command line as an argv; no shell has a part in it. Raises Invalid."""
    if not isinstance(command, str):
        return command
    try:
        return shlex.split(command)
    except ValueError as error:
        raise Invalid(reason=f"the command {command} cannot be understood ({error})") from error


def _grabbed(display: str, config: DeviceConfig) -> Source:
    options = ("-f", "x11grab", "-draw_mouse", "0", "-framerate", f"{config.fps:g}", "-i", display)
    return Source(f"x11 display {display}", options)


class GivenDisplay:
    """The Screen of an X server that is there: ffmpeg gives its last picture for ever when that has ended."""

    def __init__(self, display: str, grabbed: Stream) -> None:
        self._display = display
        self._grabbed = grabbed
        self.name = grabbed.name

    async def run(self, canvas: Canvas) -> None:
        await first_of(self._grabbed.run(canvas), self._until_it_ends())

    async def _until_it_ends(self) -> None:
        try:
            connection = await XConnection.open(self._display)
        except ControlFailed as error:
            raise NoVideo(source=self.name, because=f": {error.fields['reason']}") from error
        with closing(connection):
            await connection.ended()
        raise NoVideo(source=self.name, because=": the X server has ended")


class OwnDisplay:
    """The Screen of an Xvfb of ours."""

    def __init__(self, server: Xvfb) -> None:
        self._server = server
        self.name = f"x11 display {server.display}"

    async def run(self, canvas: Canvas) -> None:
        await first_of(
            in_thread(lambda stop: _watch(self._server.framebuffer, canvas, stop)), self._until_it_ends()
        )

    async def _until_it_ends(self) -> None:
        program = self._server.program
        status = await asyncio.shield(program.ended)
        raise NoVideo(source=self.name, because=f": Xvfb ended with {status}; {program.words}".rstrip("; "))


def _watch(framebuffer: Framebuffer, canvas: Canvas, stop: threading.Event) -> None:
    """A picture each 1/fps seconds; late ones are left out, not made up for."""
    period = 1 / canvas.fps
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        at = time.time()
        if framebuffer.look():
            framebuffer.write(canvas.blank())
            canvas.show(at)
        else:
            canvas.same(at)
        due = max(due + period, time.monotonic())


class WithCommand:
    """A Screen on which a command of the user's runs, again and again."""

    def __init__(self, screen: Screen, display: str, argv: list[str]) -> None:
        self._screen = screen
        self._argv = argv
        self._environment = {**os.environ, "DISPLAY": display}
        self.name = screen.name

    async def run(self, canvas: Canvas) -> None:
        await first_of(self._screen.run(canvas), self._keep())

    async def _keep(self) -> None:
        """Raises NoVideo: It does not work."""
        in_vain, pause = 0, 0.1
        while True:
            start = time.monotonic()
            said = await self._once()
            if time.monotonic() - start > _AT_ONCE:
                in_vain, pause = 0, 0.1
            in_vain += 1
            if in_vain == _TRIES:
                raise NoVideo(source=self.name, because=f": its command {said}")
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _once(self) -> str:
        """Run it until it ends; how it ended."""
        async with running(leashed(self._argv), env=self._environment) as program:
            status = await asyncio.shield(program.ended)
            said = f"'{self._argv[0]}' ended with {status}; {program.words}".rstrip("; ")
            log.warning("%s: %s", self.name, said)
            return said
