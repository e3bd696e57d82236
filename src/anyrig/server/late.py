"""A part of the application that takes long to load: loaded once the server is ready, or is asked for it."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Late:
    """Loaded in a thread, so that other requests are answered meanwhile; who asks for this part waits."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: ASGIApp | None = None
        self._turn = asyncio.Lock()

    async def load(self) -> ASGIApp:
        """The part itself."""
        async with self._turn:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._made or await self.load()
        await app(scope, receive, send)
