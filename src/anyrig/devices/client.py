"""The agent's side of a device: starts its process, keeps it, and asks it."""

import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from anyrig.core.devices import THUMBNAIL_WIDTH, DeviceConfig, Remote
from anyrig.core.errors import AnyrigError, NoVideo
from anyrig.devices.link import Link, LinkLostError
from anyrig.devices.programs.work import first_of

log = logging.getLogger(__name__)
_HOST = (sys.executable, "-P", "-m", "anyrig.devices.process.host")
_START = 30.0
"""Seconds until the process listens."""
_GRACE = 10.0
"""Seconds until it has ended what it started."""
_PATIENCE = 15.0
"""Seconds for an answer, a process that is being started again included."""
_WHOLE = 180.0
"""Seconds until a recording is whole."""
_LOOK, _HANGS = 5.0, 30.0
"""Seconds between two looks whether the process answers, and after which it does not."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_LASTED = 30.0
"""Seconds after which a death is a new trouble."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot as a file."""

    image: bytes
    content_type: str
    time: float
    """Of its capture: seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a device is."""

    fps: float
    """Frames captured in a second, over the last seconds."""
    trouble: str | None


class DeviceProcess:
    """``async with DeviceProcess(config) as device``: a device in a process of its own (``host.py``).

    The process is started again when it dies or does not answer. This is an ``executors.base.Device``.
    """

    def __init__(self, config: DeviceConfig) -> None:
        self._config = config
        self._folder = Path()
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None]
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._remote: Remote | None = None
        self._recorded_by: Link | None = None
        self.socket = Path()
        self.pid: int | None = None
        """Of the process that runs now."""

    @property
    def name(self) -> str:
        """For people."""
        return self._config.kind

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="anyrig-device-"))
        self.socket = self._folder / "socket"
        await self._tasks.__aenter__()
        self._keeper = self._tasks.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def ready(self, seconds: float) -> None:
        """Wait until it gives pictures. Raises NoVideo: It does not within ``seconds``."""
        frame = await self._ask("frame", patience=seconds, after=0, timeout=seconds)
        if frame["leased"] and self._link is not None:
            self._link.tell("release", slot=frame["slot"])

    async def use(self, remote: Remote) -> None:
        """Keys are those of this remote control from now on. Raises NoControl, ControlFailed."""
        self._remote = remote
        await self._ask("remote", **asdict(remote))

    async def press(self, key: str, hold: float | None = None) -> None:
        """``hold``: seconds. Raises NoControl, UnknownKey, ControlFailed."""
        await self._ask("press", patience=hold or 0.0, key=key, hold=hold)

    async def record(self, file: Path) -> None:
        """Begin a recording (MP4); its first picture is the one of now.

        Raises:
            NoVideo: There is no picture.
            Invalid: The file's folder is not there.
            Unavailable: A recording is being made already.
        """
        await self._ask("record", file=str(file))
        self._recorded_by = self._link

    async def end_recording(self) -> None:
        """Returns when the file is whole; nothing happens if there is no recording.

        Raises:
            Unavailable: The recording did not work.
        """
        link, self._recorded_by = self._recorded_by, None
        if link is not None and link is self._link:
            await self._ask("end_record", patience=_WHOLE)

    async def screenshot(self, kind: str = "png", width: int | None = None) -> Picture:
        """The newest picture as ``png`` or ``jpeg``, so many pixels wide. Raises NoVideo, Invalid."""
        said = await self._ask("screenshot", format=kind, width=width)
        return Picture(said["body"], f"image/{kind}", said["time"])

    async def save_pictures(self, folder: Path) -> None:
        """Write the newest picture to ``screenshot.png`` and ``thumbnail.jpg``. Raises NoVideo."""
        whole = await self.screenshot("png")
        small = await self.screenshot("jpeg", min(THUMBNAIL_WIDTH, self._config.width))
        await asyncio.to_thread((folder / "screenshot.png").write_bytes, whole.image)
        await asyncio.to_thread((folder / "thumbnail.jpg").write_bytes, small.image)

    async def health(self) -> Health:
        """Cheap: may be asked each second. Raises nothing."""
        if self._link is None:
            return Health(0.0, str(self._away()))
        try:
            said = await self._ask("health")
        except NoVideo as error:
            return Health(0.0, str(error))
        return Health(said["fps"], said["trouble"])

    async def _ask(self, op: str, *, patience: float = 0.0, **fields: object) -> dict[str, Any]:
        """Raises NoVideo: The process is not there, or does not answer. And what the device says."""
        try:
            async with asyncio.timeout(_PATIENCE + patience):
                await self._linked.wait()
                assert self._link is not None  # noqa: S101 - that is what the event says
                return await self._link.ask(op, **fields)
        except (TimeoutError, LinkLostError):
            raise self._away() from None

    def _away(self) -> NoVideo:
        return NoVideo(source=self.name, because=": the process of the device does not answer")

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            start = time.monotonic()
            try:
                await self._once()
            except (OSError, TimeoutError) as error:
                reason = str(error) or "it does not answer"
                log.warning("the process of a device (%s): %s", self.name, reason)
            if time.monotonic() - start > _LASTED:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _once(self) -> None:
        """Raises OSError, TimeoutError: It has ended, or hangs."""
        async with _running(self._order(), self._folder) as process:
            self.pid = process.pid
            link = await Link.open(self.socket)
            try:
                await first_of(link.read(), self._watch(link))
            finally:
                self.pid = None
                link.close()
        raise ConnectionError(f"it has ended with {process.returncode}")

    async def _watch(self, link: Link) -> None:
        """Offer the link to those who ask, as long as the process answers. Raises TimeoutError."""
        if self._remote is not None:
            with suppress(AnyrigError):
                await link.ask("remote", **asdict(self._remote))
        self._link = link
        self._linked.set()
        try:
            while True:
                await asyncio.sleep(_LOOK)
                async with asyncio.timeout(_HANGS):
                    await link.ask("health")
        finally:
            self._linked.clear()
            self._link = None

    def _order(self) -> bytes:
        return json.dumps({"socket": str(self.socket), "config": asdict(self._config)}).encode() + b"\n"


@asynccontextmanager
async def _running(order: bytes, folder: Path) -> AsyncIterator[Process]:
    """A device's process that listens. Raises OSError, TimeoutError: It does not."""
    process = await asyncio.create_subprocess_exec(
        *_HOST,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},  # what it leaves there goes with the folder
    )
    assert process.stdin is not None  # noqa: S101 - they are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(order)
        async with asyncio.timeout(_START):
            if await process.stdout.readline() != b"ready\n":
                raise ConnectionError("it does not listen")
        yield process
    finally:
        process.stdin.close()
        await asyncio.shield(_ended(process))


async def _ended(process: Process) -> None:
    """Its standard input has ended, and so does it; or it is killed."""
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
