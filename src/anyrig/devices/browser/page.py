"""The one page of a browser: its pictures, its keys, and whether it lives."""

import asyncio
import time
from collections import deque
from typing import Any

import msgspec

from anyrig.core.errors import Unavailable
from anyrig.devices.browser.cdp import WHAT, Cdp

LOAD_SECONDS = 20.0
KEY_SECONDS = 5.0
WINDOW = 3
"""Pictures that Chromium sends before the first is acknowledged: it sends while no more than two are on their
way (content/browser/devtools/protocol/page_handler.cc)."""
_MARGIN = 0.05
"""Seconds that an acknowledgement may take to arrive."""
_LOADED = "Page.domContentEventFired"
_PICTURE = "Page.screencastFrame"
_QUESTION = "Page.javascriptDialogOpening"
_CRASHED = "Inspector.targetCrashed"
_GONE = "Inspector.detached"
_NEVER_SHOWN = "net::ERR_ABORTED"
"""What navigating says of an address that is a download, or goes elsewhere at once."""


class _Metadata(msgspec.Struct):
    timestamp: float


class Picture(msgspec.Struct, rename="camel"):
    """One frame of Page.startScreencast."""

    data: bytes
    """A PNG or JPEG file."""
    metadata: _Metadata
    session_id: int
    """What an acknowledgement has to name."""

    @property
    def at(self) -> float:
        """When the browser drew it: seconds since the epoch."""
        return self.metadata.timestamp


class Page:
    """A tab of an exact size, that sends a picture when it has changed.

    Chromium forgets a change for good when it comes while WINDOW pictures are unacknowledged. As
    acknowledgements set the pace here, this happens in every animation. ``suspect`` says that it may have;
    ``refresh`` asks for what is there now.
    """

    def __init__(self, cdp: Cdp, quality: int | None = None) -> None:
        self._cdp = cdp
        self._format = {"format": "png"} if quality is None else {"format": "jpeg", "quality": quality}
        self._session = ""
        self._decoder = msgspec.json.Decoder(Picture)
        self._loaded = asyncio.Event()
        self._newest: Picture | None = None
        self._latest = 0.0
        self._size = (0, 0)
        self.news = asyncio.Event()
        """There is a picture to take, or the page lives no more."""
        self.dead = ""
        """Why it lives no more."""
        self.suspect = False
        """What is shown may not be what is there."""
        self._begin(screencast=0)

    def _begin(self, screencast: int) -> None:
        """Of this one no picture has come yet."""
        self._screencast = screencast
        self._arrived = self._acknowledged = 0
        self._acknowledgements: deque[float] = deque(maxlen=WINDOW)

    async def open(self, url: str, width: int, height: int) -> None:
        """Show ``url`` instead of all that the browser showed until now.

        Raises:
            Unavailable: The browser has ended, or cannot get it.
        """
        others = [target["targetId"] for target in await self._targets() if target["type"] == "page"]
        target = (await self._cdp.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self._cdp.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session, self._size, self.dead = attached["sessionId"], (width, height), ""
        self._cdp.listen(self._session, self._on_event)
        for other in others:
            await self._cdp.call("Target.closeTarget", targetId=other)
        await self._prepare()
        await self._go(url)
        await self.refresh()

    def close(self) -> None:
        """Forget it, as it lives no more."""
        self._cdp.forget(self._session)
        self._newest = None
        self.news.clear()

    async def dispatch_key(self, **event: object) -> None:
        await self._call("Input.dispatchKeyEvent", patience=KEY_SECONDS, **event)

    def take(self) -> Picture | None:
        """The newest picture that has not been taken."""
        self.news.clear()
        picture, self._newest = self._newest, None
        return picture

    def acknowledge(self) -> None:
        """Ask for one picture more, if as many as are allowed are on their way."""
        if self._acknowledged < self._arrived:
            self._acknowledged += 1
            self._acknowledgements.append(time.time())
            self._cdp.send("Page.screencastFrameAck", self._session, sessionId=self._screencast)

    async def refresh(self) -> None:
        """Begin anew, with the picture of what is there now.

        Raises:
            Unavailable: Not now; until it is asked for again there are no pictures.
        """
        self.suspect = True
        await self._call("Page.stopScreencast")
        width, height = self._size
        await self._call("Page.startScreencast", **self._format, maxWidth=width, maxHeight=height)
        self.suspect = False

    async def _targets(self) -> list[dict[str, Any]]:
        targets: list[dict[str, Any]] = (await self._cdp.call("Target.getTargets"))["targetInfos"]
        return targets

    async def _prepare(self) -> None:
        width, height = self._size
        await self._call("Page.enable")
        await self._call("Inspector.enable")
        await self._call("Emulation.setFocusEmulationEnabled", enabled=True)
        screen = {"width": width, "height": height, "screenWidth": width, "screenHeight": height}
        await self._call("Emulation.setDeviceMetricsOverride", **screen, deviceScaleFactor=1, mobile=False)

    async def _go(self, url: str) -> None:
        self._loaded.clear()
        answer = await self._call("Page.navigate", patience=LOAD_SECONDS, url=url)
        trouble = answer.get("errorText", "")
        if trouble and trouble != _NEVER_SHOWN:
            raise Unavailable(what=WHAT, reason=trouble)
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await self._loaded.wait()
        except TimeoutError:
            pass  # what is there of it can be looked at

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        if self.dead:
            raise Unavailable(what=WHAT, reason=self.dead)
        return await self._cdp.call(method, self._session, **params)

    def _on_event(self, method: str, params: msgspec.Raw) -> None:
        if method == _PICTURE:
            self._take(self._decoder.decode(params))
        elif method == _LOADED:
            self._loaded.set()
        elif method == _QUESTION:  # nobody sees it, and the page waits for an answer
            self._cdp.send("Page.handleJavaScriptDialog", self._session, accept=True)
        elif method in {_CRASHED, _GONE}:
            self._die("the page has crashed" if method == _CRASHED else "the page has been closed")

    def _take(self, picture: Picture) -> None:
        if picture.session_id != self._screencast:
            self._begin(picture.session_id)
        self._arrived += 1
        if self._was_last(picture.at):
            self.suspect = True
        if picture.at >= self._latest:  # they are encoded side by side, and may overtake each other
            self._latest, self._newest = picture.at, picture
            self.news.set()

    def _was_last(self, at: float) -> bool:
        """Whether Chromium would have forgotten a change right after this picture, the last to come."""
        room = self._acknowledged - (self._arrived - WINDOW)
        if self._arrived < WINDOW:
            return False
        return room <= 0 or self._acknowledgements[-room] + _MARGIN > at

    def _die(self, reason: str) -> None:
        self.dead = reason
        self._loaded.set()
        self.news.set()
