"""The keyboard of a browser's page, as a control."""

import asyncio
from typing import Protocol

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, Unavailable, UnknownKey
from anyrig.devices.browser.domkeys import ALT, CTRL, META, SHIFT, DomKey, combination

REPEAT_AFTER = 0.5
REPEAT_EVERY = 1 / 30
"""Seconds: as keyboards do, by default, on Windows; the X server waits 0.66 s and repeats every 0.04 s."""
_SHORT = 0.02
"""Seconds of a short press: pages that look at the keyboard once a picture see it."""
_NAME = "browser"


class Page(Protocol):
    """What keys are sent to."""

    async def dispatch_key(self, **event: object) -> None:
        """By Input.dispatchKeyEvent. Raises Unavailable."""


class BrowserKeyboard:
    """Not for use by two tasks at once, as its caller sees to."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._down: dict[str, DomKey] = {}
        self._repeating: asyncio.Task[None] | None = None

    async def press(self, key: str, hold: float | None) -> None:
        keys = _known(key)
        try:
            await self._press(keys)
            await asyncio.sleep(_SHORT if hold is None else hold)
        finally:
            await asyncio.shield(self._release(keys))

    async def down(self, key: str) -> None:
        await self._press(_known(key))

    async def up(self, key: str) -> None:
        await self._release(_known(key))

    async def use(self, remote: Remote) -> None:
        """A keyboard is the same for all."""

    async def close(self) -> None:
        """No key repeats any more."""
        if self._repeating is not None:
            self._repeating.cancel()
            await asyncio.wait([self._repeating])
            self._repeating = None

    async def _press(self, keys: tuple[DomKey, ...]) -> None:
        for key in keys:
            await self.close()  # the last key that went down is the one that repeats
            self._down[key.key] = key
            await self._send("down", key)
        if not keys[-1].modifier:
            self._repeating = asyncio.create_task(self._repeat(keys[-1]))

    async def _release(self, keys: tuple[DomKey, ...]) -> None:
        await self.close()
        for key in reversed(keys):
            self._down.pop(key.key, None)
            await self._send("up", key)

    async def _repeat(self, key: DomKey) -> None:
        """Until cancelled, or until the page does not take it: whoever lets go of the key is told then."""
        loop = asyncio.get_running_loop()
        due = loop.time() + REPEAT_AFTER
        try:
            while True:
                await asyncio.sleep(due - loop.time())
                await self._send("down", key, autoRepeat=True)
                due = max(due + REPEAT_EVERY, loop.time())
        except ControlFailed:
            return

    async def _send(self, way: str, key: DomKey, **more: object) -> None:
        modifiers = key.needs
        for held in self._down.values():
            modifiers |= held.modifier
        name, text = _typed(key, modifiers)
        if way == "up":
            kind, text = "keyUp", ""
        else:
            kind = "keyDown" if text else "rawKeyDown"
        try:
            await self._page.dispatch_key(
                type=kind,
                key=name,
                code=key.code,
                windowsVirtualKeyCode=key.number,
                modifiers=modifiers,
                text=text,
                unmodifiedText=text,
                **more,
            )
        except Unavailable as error:
            raise ControlFailed(control=_NAME, reason=f"{key.key}: {error.fields['reason']}") from error


def _typed(key: DomKey, modifiers: int) -> tuple[str, str]:
    """A key's name and the text it types while these modifiers are down."""
    name, text = key.key, key.text
    if modifiers & SHIFT and text.isascii() and text.isalpha():
        name, text = name.upper(), text.upper()
    return name, "" if modifiers & (ALT | CTRL | META) else text


def _known(key: str) -> tuple[DomKey, ...]:
    try:
        return combination(key)
    except KeyError:
        raise UnknownKey(control=_NAME, key=key) from None
