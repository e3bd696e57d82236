"""Whoever waits for a job to end: woken by this process, by another replica over the bus, or by a sweep."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Wait = Callable[[float], Awaitable[bool]]
RESERVATIONS = "reservations"
"""The topic that is woken whenever a reservation begins, changes or ends."""


class Waiters:
    """Futures by topic; a topic is a job's uid. A thousand waiters cost a thousand futures and timers."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[bool]]] = {}
        self.closed = False
        """Nobody waits any more: the server is about to end."""

    def topics(self) -> list[str]:
        return list(self._waiting)

    def wake(self, topic: str) -> None:
        """Everybody who waits for the topic goes on."""
        for future in self._waiting.get(topic, ()):
            _resolve(future, outcome=True)

    def close(self) -> None:
        """Everybody who waits, now or later, goes on as if the time were over."""
        self.closed = True
        for topic in self._waiting.values():
            for future in topic:
                _resolve(future, outcome=False)

    @contextmanager
    def waiting(self, *topics: str) -> Iterator[Wait]:
        """Listen first, then look, then wait: nothing that happens in between is missed.

        Gives a function that waits that many seconds and returns whether one of the topics was woken.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        for topic in topics:
            self._waiting.setdefault(topic, set()).add(future)
        if self.closed:
            future.set_result(False)
        try:
            yield lambda seconds: _within(future, seconds)
        finally:
            for topic in topics:
                self._forget(topic, future)

    def _forget(self, topic: str, future: asyncio.Future[bool]) -> None:
        waiting = self._waiting[topic]
        waiting.discard(future)
        if not waiting:
            del self._waiting[topic]


async def _within(future: asyncio.Future[bool], seconds: float) -> bool:
    timer = asyncio.get_running_loop().call_later(seconds, lambda: _resolve(future, outcome=False))
    try:
        return await future
    finally:
        timer.cancel()


def _resolve(future: asyncio.Future[bool], *, outcome: bool) -> None:
    if not future.done():
        future.set_result(outcome)
