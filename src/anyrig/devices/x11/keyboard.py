"""The keys of an X display, as a control."""

import asyncio

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, UnknownKey
from anyrig.devices.x11.connection import PRESS, RELEASE, Mapping, XConnection
from anyrig.devices.x11.keysyms import combination

_SHORT = 0.02
"""Seconds of a short press: programs that look at the keyboard once a picture see it."""
_SHIFT = 0xFFE1


class XKeyboard:
    """Presses keys by XTEST. Not for use by two tasks at once, as its caller sees to."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._connection: XConnection | None = None
        self._codes: dict[int, tuple[int, ...]] = {}
        """keysym -> the key codes that are pressed for it."""
        self._spare: list[int] = []
        """Key codes that stand for nothing."""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def press(self, key: str, hold: float | None) -> None:
        codes = await self._key(key)
        try:
            await self._send(PRESS, codes)
            await asyncio.sleep(_SHORT if hold is None else hold)
        finally:
            await asyncio.shield(self._send(RELEASE, codes[::-1]))

    async def down(self, key: str) -> None:
        await self._send(PRESS, await self._key(key))

    async def up(self, key: str) -> None:
        await self._send(RELEASE, (await self._key(key))[::-1])

    async def use(self, remote: Remote) -> None:
        """A keyboard is the same for all."""

    async def _send(self, kind: int, codes: tuple[int, ...]) -> None:
        try:
            await (await self._open()).key(kind, *codes)
        except ControlFailed:
            self.close()
            raise

    async def _key(self, key: str) -> tuple[int, ...]:
        try:
            syms = combination(key)
        except KeyError:
            raise UnknownKey(control=f"x11 {self._display}", key=key) from None
        connection = await self._open()
        if connection.mapping_is_old:
            self._learn(connection.first, await connection.mapping())
        return tuple([code for sym in syms for code in await self._codes_of(connection, sym)])

    async def _open(self) -> XConnection:
        if self._connection is None:
            self._connection = await XConnection.open(self._display)
        return self._connection

    def _learn(self, first: int, mapping: Mapping) -> None:
        self._codes, self._spare = {}, []
        shift = next((first + at for at, syms in enumerate(mapping) if _SHIFT in syms), None)
        for code, syms in enumerate(mapping, first):
            if not any(syms):
                self._spare.append(code)
            if syms and syms[0]:
                self._codes[syms[0]] = min(self._codes.get(syms[0], (code,)), (code,), key=len)
            if len(syms) > 1 and syms[1] and shift is not None:
                self._codes.setdefault(syms[1], (shift, code))

    async def _codes_of(self, connection: XConnection, sym: int) -> tuple[int, ...]:
        """Teaches the keyboard keys that it has not: its spare key codes, each in its turn."""
        if sym not in self._codes:
            if not self._spare:
                raise ControlFailed(control=f"x11 {self._display}", reason="its keyboard has no key to spare")
            code = self._spare.pop()
            await connection.map(code, sym)
            self._codes[sym] = (code,)
        return self._codes[sym]
