"""One errand for all who wait for it."""

import asyncio
from collections.abc import Awaitable, Callable

from anyrig.packs.git import GitFailed


class Flight:
    """Runs an errand at most once at a time.

    Whoever draws a ticket and then asks gets an errand that began after the ticket was drawn: one that was
    already under way may have passed by what he waits for. All who wait share the next one, and its failure.
    """

    def __init__(self, errand: Callable[[float], Awaitable[None]]) -> None:
        self._errand = errand
        self._lock = asyncio.Lock()
        self._begun = 0
        self._ended = 0
        self._trouble = ""

    def ticket(self) -> int:
        return self._begun

    async def after(self, ticket: int, deadline: float) -> None:
        """Return when an errand begun after ``ticket`` has ended, within twice ``deadline`` seconds.

        Raises:
            GitFailed: The errand did, or took longer than ``deadline`` seconds, or one before it still runs.
        """
        try:
            async with asyncio.timeout(2 * deadline), self._lock:
                if self._ended <= ticket:
                    await self._run(deadline)
                if self._trouble:
                    raise GitFailed(self._trouble)
        except TimeoutError as error:
            raise GitFailed(f"it took longer than {2 * deadline:g} s") from error

    async def _run(self, deadline: float) -> None:
        self._begun += 1
        number = self._begun
        try:
            await self._errand(deadline)
            self._trouble = ""
        except GitFailed as error:
            self._trouble = str(error)
        # Not reached when our own caller went away: then the next one runs it again.
        self._ended = number
