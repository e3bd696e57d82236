"""Chromium without a window, with a profile of its own that goes when it ends."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from anyrig.core.errors import NoVideo, Unavailable
from anyrig.devices.browser.cdp import LONGEST, Cdp
from anyrig.devices.programs.piped import piped
from anyrig.devices.programs.running import Program, found, leashed

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""Names it has on Debian, Ubuntu and elsewhere."""
START_SECONDS = 60.0
"""A machine that is busy takes its time to read a browser from its disk."""
_LAST_WORDS_SECONDS = 2.0
_PREFIX = "anyrig-browser-"
_LOCK = "lock"
_PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >&2'
"""Chromium reads commands from descriptor 3 and answers on 4."""
_SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--autoplay-policy=no-user-gesture-required",
    "--block-new-web-contents",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-sync",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--mute-audio",
    "--password-store=basic",
)
"""One page on one screen, as on a television; nothing that a browser does by itself."""


@asynccontextmanager
async def chromium(
    program: str | None, arguments: Sequence[str], width: int, height: int
) -> AsyncIterator[tuple[Program, Cdp]]:
    """A browser that runs and answers.

    Raises:
        NoVideo: It does not start.
    """
    with _profile() as folder:
        argv = leashed(["/bin/sh", "-c", _PIPES, "sh", _program(program), *_SWITCHES])
        argv += [f"--user-data-dir={folder}", f"--window-size={width},{height}"]
        argv += ["--no-sandbox"] if os.geteuid() == 0 else []  # root may not use the sandbox
        argv += [*arguments, "about:blank"]
        environment = {**os.environ, "TMPDIR": str(folder)}
        async with piped(argv, env=environment, limit=LONGEST) as pipes:
            cdp = Cdp(pipes.reader, pipes.writer)
            reading = asyncio.create_task(cdp.run())
            try:
                await _ready(cdp, pipes.program)
                yield pipes.program, cdp
            finally:
                reading.cancel()
                await asyncio.wait([reading])


async def _ready(cdp: Cdp, program: Program) -> None:
    """Until it answers; raises NoVideo."""
    try:
        await cdp.call("Browser.getVersion", patience=START_SECONDS)
    except Unavailable as error:
        await asyncio.wait([program.ended], timeout=_LAST_WORDS_SECONDS)
        words = f"; {program.words}" if program.words else ""
        raise NoVideo(source="browser", because=f": {error.fields['reason']}{words}") from error


def _program(name: str | None) -> str:
    for candidate in [name] if name else PROGRAMS:
        try:
            return found(candidate)
        except FileNotFoundError:
            continue
    raise NoVideo(source="browser", because=f": {name or PROGRAMS[0]} is not installed")


@contextmanager
def _profile() -> Iterator[Path]:
    """A folder for all that the browser writes. Those of processes that were killed go first."""
    where = Path(tempfile.gettempdir())
    _sweep(where)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=where, ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        lock = stack.enter_context((folder / _LOCK).open("wb"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _sweep(where: Path) -> None:
    for lock in where.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            with lock.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # it is in use, or somebody else's
