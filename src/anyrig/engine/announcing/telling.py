"""Tells one thing, and writes down what became of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BuildConfig
from anyrig.core.extensions.base import Extension
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.pace import Pace
from anyrig.engine.builds import listeners
from anyrig.engine.waiting import Waiters
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import announcements as sql
from anyrig.storage.sql import build_records as records_sql
from anyrig.storage.sql import builds as builds_sql
from anyrig.storage.sql.announcements import Owed

log = logging.getLogger(__name__)
_COULD_NOT = "Could not tell "


class Build(Protocol):
    """What is asked of a build."""

    @property
    def listen_point(self) -> str: ...
    @property
    def project(self) -> str: ...
    @property
    def config(self) -> BuildConfig: ...


class Lab(Protocol):
    """What is asked of ``engine.lab.Lab``."""

    @property
    def db(self) -> Database: ...
    @property
    def waiters(self) -> Waiters: ...
    @property
    def series(self) -> int: ...
    @property
    def now(self) -> Callable[[], int]: ...


Numbered = Callable[[int], Awaitable[Build]]


class Telling:
    """How one server tells things."""

    def __init__(
        self, lab: Lab, numbered: Numbered, around: Around, pace: Pace, chance: Callable[[], float]
    ) -> None:
        self._lab = lab
        self._numbered = numbered
        self._around = around
        self._pace = pace
        self._chance = chance

    def hold(self, connection: Connection, owed: Owed) -> Owed | None:
        """For the time of a lease nobody else tells it; None: somebody else does already."""
        return sql.take(connection, owed, self._lab.now() + round(self._pace.lease * 1e6))

    async def tell(self, held: Owed) -> Owed | None:
        """What comes next of the same extension, and is held now."""
        build: Build | None = None
        trouble: NotTold | None = None
        try:
            async with asyncio.timeout(self._pace.deadline):
                build = await self._numbered(held.build)
                await self._tell(build, held)
        except NotTold as error:
            trouble = error
        except TimeoutError:
            trouble = NotTold(f"it took longer than {self._pace.deadline:g} s", for_ever=False)
        except Exception as error:
            log.exception("build %d: %s failed", held.build, held.extension)
            trouble = NotTold(f"{type(error).__name__} on the server", for_ever=False)
        return await self._lab.db.write(lambda c: self._settle(c, held, build, trouble))

    async def _tell(self, build: Build, held: Owed) -> None:
        from anyrig.engine.announcing.registry import TELLERS  # noqa: PLC0415 - a start does without them

        extension = _extension(build.config, held.extension)
        if extension is None or extension.module not in TELLERS:
            log.warning("%s has no extension %s that tells anything", build.listen_point, held.extension)
            return
        announcement = Announcement(
            id=f"{self._lab.series}-{held.id}",
            listen_point=build.listen_point,
            project=build.project,
            record=held.record,
            job=held.job,
            tries=held.tries,
        )
        await TELLERS[extension.module].tell(extension.options, announcement, self._around)

    def _settle(
        self, connection: Connection, held: Owed, build: Build | None, trouble: NotTold | None
    ) -> Owed | None:
        now = self._lab.now()
        if trouble is not None and not self._is_over(held, trouble, now):
            pause = self._pace.pause(held.tries, self._chance())
            log.info("build %d: %s is tried again in %.0f s: %s", held.build, held.extension, pause, trouble)
            sql.later(connection, held, now + round(pause * 1e6))
            return None
        if sql.done(connection, held) and trouble is not None:
            log.warning("build %d: could not tell %s: %s", held.build, held.extension, trouble)
            _note(connection, held, build, trouble, now)
        return self._next(connection, held, now)

    def _is_over(self, held: Owed, trouble: NotTold, now: int) -> bool:
        return trouble.for_ever or self._pace.is_over(held.record.at, held.tries, now)

    def _next(self, connection: Connection, held: Owed, now: int) -> Owed | None:
        found = sql.next_of(connection, held.build, held.extension)
        if found is None or found.due > now or self._lab.waiters.closed:
            return None
        return self.hold(connection, found)


def _extension(config: BuildConfig, key: str) -> Extension | None:
    return next((each for each in config.extensions if each.key == key), None)


def _note(connection: Connection, held: Owed, build: Build | None, trouble: NotTold, now: int) -> None:
    """Have the build's log say it.

    The other extensions tell of that; of one that cannot tell even that, nobody does: so it ends somewhere.
    """
    kept = builds_sql.by_number(connection, held.build)
    if kept is None:
        return
    heard = () if build is None or _is_note(held.record) else listeners(build.config)
    others = [each for each in heard if each.extension != held.extension]
    record = Record(now, Channel.TEST, Level.ERROR, f"{_COULD_NOT}{held.extension}: {trouble}")
    records_sql.add(connection, held.build, kept.history, others, record)


def _is_note(record: Record) -> bool:
    return record.channel is Channel.TEST and record.message.startswith(_COULD_NOT)
