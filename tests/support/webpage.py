"""A web page on loopback that tells what it sees, and a browser as a device that shows it."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from canvas import TestCanvas

from anyrig.core.devices import DeviceConfig
from anyrig.devices.base import Control
from anyrig.devices.browser.device import open_device

PAGE = """<!doctype html><title>television</title>
<body style="margin: 0; background: blue"><script>
const tell = (word) => fetch("/told?" + encodeURIComponent(JSON.stringify(word)));
for (const kind of ["keydown", "keyup"])
  addEventListener(kind, (e) => tell({kind, key: e.key, code: e.code, number: e.keyCode, repeat: e.repeat,
                                      shift: e.shiftKey, ctrl: e.ctrlKey, at: e.timeStamp}));
addEventListener("keypress", (e) => tell({kind: "keypress", key: e.key}));
addEventListener("keydown", (e) => {
  if (e.key == "ArrowUp") document.body.style.background = "red";
  if (e.key == "ArrowDown") document.body.style.background = "green";
  if (e.key == "Enter") { alert("Are you sure?"); document.body.style.background = "green"; }
  if (e.key == "n") location = "http://localhost:" + location.port + "/other";
  if (e.key == "m") move(40);
});
function move(left) {
  document.body.style.background = left ? `rgb(0, ${left}, 0)` : "white";
  if (left) requestAnimationFrame(() => move(left - 1));
}
tell({kind: "opened", size: [innerWidth, innerHeight, devicePixelRatio, screen.width, screen.height],
      focus: document.hasFocus(), visible: document.visibilityState});
</script>"""
OTHER = "<!doctype html><body style='margin: 0; background: red'>"


class Site:
    """A page on loopback, and what it told."""

    def __init__(self) -> None:
        self.url = ""
        self.told: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def other(self, _: web.Request) -> web.Response:
        return web.Response(text=OTHER, content_type="text/html")

    async def tell(self, request: web.Request) -> web.Response:
        self.told.append(json.loads(request.query_string and next(iter(request.query))))
        self._news.set()
        return web.Response()

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [word for word in self.told if word["kind"] in kinds]

    async def heard(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the page has told so many words of a kind."""
        async with asyncio.timeout(30):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)


@asynccontextmanager
async def served() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.add_routes([web.get("/", site.page), web.get("/other", site.other), web.get("/told", site.tell)])
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield site
    await runner.cleanup()


@dataclass
class Open:
    canvas: TestCanvas
    control: Control
    running: "asyncio.Task[None]"


@asynccontextmanager
async def browser(url: str, **options: Any) -> AsyncIterator[Open]:
    config = DeviceConfig("browser", 640, 360, options={"url": url, **options})
    async with open_device(config) as device:
        assert device.control is not None
        canvas = TestCanvas(640, 360)
        running = asyncio.create_task(device.screen.run(canvas))
        try:
            yield Open(canvas, device.control, running)
        finally:
            running.cancel()
            await asyncio.wait([running])


def profiles() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("anyrig-browser-*"))


def browsers(kind: str | None = None) -> list[int]:
    """Chromium's processes below this one, of that kind (``renderer``), that have not ended."""
    parents = dict(_parents())
    found = []
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        words = words_of(pid)
        if (
            above == os.getpid()
            and words[0].endswith("/chromium")
            and (not kind or f"--type={kind}" in words)
        ):
            found.append(pid)
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            yield int(file.parent.name), int(file.read_text().rpartition(")")[2].split()[1])


def words_of(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        text = ""
    return text.replace("\0", " ").split() or [""]  # a renderer's has spaces
