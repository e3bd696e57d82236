"""Finds what is to be told, and has it told, many things at once."""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from anyrig.engine.announcing.base import ANNOUNCEMENTS, Around
from anyrig.engine.announcing.pace import Pace
from anyrig.engine.announcing.telling import Lab, Numbered, Telling
from anyrig.storage import Connection
from anyrig.storage.sql import announcements as sql
from anyrig.storage.sql.announcements import Owed

log = logging.getLogger(__name__)
_PACE = Pace()


async def run(
    lab: Lab,
    numbered: Numbered,
    around: Around,
    pace: Pace = _PACE,
    chance: Callable[[], float] = random.random,
) -> None:
    """Until cancelled, or until the waiters are closed and what was begun is told.

    ``numbered`` reads a build by its number. Whoever commits something to be told wakes ``ANNOUNCEMENTS``.
    """
    threads = ThreadPoolExecutor(pace.at_once, "announcing")
    telling = Telling(lab, numbered, replace(around, threads=threads), pace, chance)
    try:
        async with asyncio.TaskGroup() as group:
            loop = _Loop(lab, telling, pace, group)
            while not lab.waiters.closed:
                with lab.waiters.waiting(ANNOUNCEMENTS) as wait:
                    await wait(await loop.look())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


class _Loop:
    """What is being told by this server: one thing at a time of each extension of each build."""

    def __init__(self, lab: Lab, telling: Telling, pace: Pace, group: asyncio.TaskGroup) -> None:
        self._lab = lab
        self._telling = telling
        self._pace = pace
        self._group = group
        self._busy = 0

    async def look(self) -> float:
        """Begin to tell what is due; the seconds until it is time to look again."""
        try:
            due = await self._begin()
        except Exception:
            log.exception("what is to be told cannot be looked at")
            due = None
        if due is None:
            return self._pace.look_again
        return min(self._pace.look_again, max(0.0, (due - self._lab.now()) / 1e6))

    async def _begin(self) -> int | None:
        """When something is due next; None: nothing is left, or whoever ends will wake us.

        Nothing is written as long as nothing is due.
        """
        now, most = self._lab.now(), self._pace.at_once - self._busy
        if not most:
            return None
        found, due = await self._lab.db.read(lambda c: (sql.due(c, now, most), sql.next_due(c)))
        if not found:
            return due
        all_held, due = await self._lab.db.write(lambda c: (self._hold(c, found), sql.next_due(c)))
        for held in all_held:
            self._busy += 1
            self._group.create_task(self._tell_in_order(held))
        return None if self._busy == self._pace.at_once else due

    def _hold(self, connection: Connection, found: list[Owed]) -> list[Owed]:
        """Those that no other server was faster to take."""
        return [held for owed in found if (held := self._telling.hold(connection, owed)) is not None]

    async def _tell_in_order(self, held: Owed) -> None:
        """Tell it, and then what waits behind it."""
        left: Owed | None = held
        try:
            while left is not None:
                left = await self._telling.tell(left)
        except Exception:
            log.exception("what is to be told was left; it is tried again later")
        finally:
            self._busy -= 1
            self._lab.waiters.wake(ANNOUNCEMENTS)
