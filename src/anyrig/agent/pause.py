"""How long to wait before trying again."""

import asyncio
from random import SystemRandom


class Pause:
    """Waits that double from ``first`` to ``longest`` seconds, unless the last try got further."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = self._next = first
        self._longest = longest
        self._furthest = 0

    def progress(self, offset: int) -> None:
        """Say how far things have got; further than ever, and the waits are short again."""
        if offset > self._furthest:
            self._next, self._furthest = self._first, offset

    async def wait(self) -> None:
        """Wait; not all agents alike, for those that lost one server together must not return together."""
        await asyncio.sleep(SystemRandom().uniform(0.5, 1.0) * self._next)
        self._next = min(self._next * 2, self._longest)
