"""A web page as a device: Chromium without a window, and its keyboard."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Invalid, NoVideo, Unavailable
from anyrig.devices.base import Canvas, Device
from anyrig.devices.browser.cdp import Cdp
from anyrig.devices.browser.chromium import chromium
from anyrig.devices.browser.keys import BrowserKeyboard
from anyrig.devices.browser.page import Page
from anyrig.devices.painting import paint
from anyrig.devices.programs.work import first_of, in_thread

KIND = "browser"
_SCHEMES = ("http", "https", "file")
LASTED = 3.0
"""Seconds: a page that crashes sooner would crash again."""
_QUIET = 0.1
"""Seconds without a picture after which what moved stands still."""
_SLOWEST = 0.5
"""Seconds that a picture may take to get here; beyond, we say that nothing has changed without waiting."""


@asynccontextmanager
async def open_device(config: DeviceConfig) -> AsyncIterator[Device]:
    """``url``: http, https or file; ``program``: the browser's; ``arguments``: more of its switches.

    ``quality`` (1 to 100): pictures as JPEG, which are not exact, but come more often from a slow machine.
    """
    url = _url(config.options["url"])
    program, arguments = config.options.get("program"), config.options.get("arguments", [])
    async with chromium(program, arguments, config.width, config.height) as (_, cdp):
        screen = BrowserScreen(cdp, url, config)
        await screen.open()
        keyboard = BrowserKeyboard(screen.page)
        try:
            yield Device(screen, keyboard)
        finally:
            await keyboard.close()


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Invalid(reason=f"'{url}' is no address of a page: {error}") from error
    if parts.scheme not in _SCHEMES:
        raise Invalid(reason=f"'{_shown(url)}' is no address of a page: {', '.join(_SCHEMES)} are")
    return url


def _shown(url: str) -> str:
    """Without what may be secret: name, password, query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class BrowserScreen:
    """Its one page, opened again when it crashes."""

    def __init__(self, cdp: Cdp, url: str, config: DeviceConfig) -> None:
        self._cdp = cdp
        self._url = url
        self._config = config
        self._opened = 0.0
        self.name = f"browser {_shown(url)}"
        self.page = Page(cdp, config.options.get("quality"))

    async def open(self) -> None:
        """Raises NoVideo."""
        try:
            await self.page.open(self._url, self._config.width, self._config.height)
        except Unavailable as error:
            raise self._no_video(str(error.fields["reason"])) from error
        self._opened = time.monotonic()

    async def run(self, canvas: Canvas) -> None:
        await first_of(self._keep(canvas), self._until_it_ends())

    async def _keep(self, canvas: Canvas) -> None:
        while True:
            await _Pictures(self.page, canvas).show()
            if time.monotonic() - self._opened < LASTED:
                raise self._no_video(self.page.dead)
            self.page.close()
            await self.open()

    async def _until_it_ends(self) -> None:
        await self._cdp.ended.wait()
        raise self._no_video("the browser has ended")

    def _no_video(self, reason: str) -> NoVideo:
        return NoVideo(source=self.name, because=f": {reason}")


class _Pictures:
    """Takes a page's pictures to a canvas, until the page lives no more."""

    def __init__(self, page: Page, canvas: Canvas) -> None:
        self._page, self._canvas = page, canvas
        self._period = 1 / canvas.fps
        self._last = self._newest = 0.0
        """When the newest picture came, and the time it was shown with."""
        self._delay = 0.0
        """Seconds between the moment of a picture and its coming here."""

    async def show(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        fresh = False
        while not self._page.dead:
            if await self._news(due - loop.time()):
                fresh = await self._paint() or fresh
            if loop.time() >= due:
                await self._tick(fresh=fresh)
                fresh = False
                due = max(due + self._period, loop.time())

    async def _news(self, seconds: float) -> bool:
        """Whether there are any, within so many seconds."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._page.news.wait()
        except TimeoutError:
            return False

    async def _paint(self) -> bool:
        picture = self._page.take()
        if picture is None:
            return False
        now = time.time()
        self._last = time.monotonic()
        self._delay = max(now - picture.at, self._delay * 0.9)
        await in_thread(lambda _: paint(picture.data, self._canvas.blank()))
        self._canvas.show(self._moment(picture.at))
        return True

    async def _tick(self, *, fresh: bool) -> None:
        """Once each 1/fps seconds."""
        self._page.acknowledge()
        if not fresh and self._newest:
            self._canvas.same(self._moment(time.time() - min(self._delay, _SLOWEST)))
        if self._page.suspect and time.monotonic() - self._last > _QUIET + self._delay:
            await self._refresh()

    async def _refresh(self) -> None:
        """It may not be able to now, as when it goes to another page: then the next tick tries again."""
        self._last = time.monotonic()
        try:
            await self._page.refresh()
        except Unavailable:
            return

    def _moment(self, at: float) -> float:
        """Times never go backwards."""
        self._newest = max(self._newest, at)
        return self._newest
