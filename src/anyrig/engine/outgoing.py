"""What was committed and has to be said to nodes and other replicas: by one loop, after the commit."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from anyrig.core.build_records import Level


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A task that holds a node's lease and has to be sent there."""

    task: int
    node: str
    generation: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A job is over: whoever waits for it, here or at another replica, goes on."""

    job_uid: str
    is_build: bool = False
    said: tuple[Level, str] | None = None
    """Of the end of a build's run."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Something of a job was committed: pages that show it look again."""

    job: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Who has reserved what has changed, or until when: whoever waits for a node looks again."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something was said of a build that others are to be told of."""


Outgo = Dispatched | Ended | Changed | Reserved | Said


class Outgoing:
    """An unbounded queue in memory: losing it is no loss, the sweeps find what was not said."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Outgo] = asyncio.Queue()

    def put(self, items: Iterable[Outgo]) -> None:
        for item in items:
            self._queue.put_nowait(item)

    async def next(self) -> list[Outgo]:
        """All that there is; waits until there is something."""
        items = [await self._queue.get()]
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        return items
