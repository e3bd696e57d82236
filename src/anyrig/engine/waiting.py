"""Whoever waits for a job to end: woken by this process, by another replica over the bus, or by a sweep."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Wait = Callable[[float], Awaitable[bool]]


class Waiters:
    """Futures by topic; a topic is a job's uid. A thousand waiters cost a thousand futures and timers."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[bool]]] = {}

    def topics(self) -> list[str]:
        return list(self._waiting)

    def wake(self, topic: str) -> None:
        """Everybody who waits for the topic goes on."""
        for future in self._waiting.get(topic, ()):
            _resolve(future, outcome=True)

    @contextmanager
    def waiting(self, topic: str) -> Iterator[Wait]:
        """Listen first, then look, then wait: nothing that happens in between is missed.

        Gives a function that waits that many seconds and returns whether the topic was woken.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(topic, set()).add(future)
        try:
            yield lambda seconds: _within(future, seconds)
        finally:
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
