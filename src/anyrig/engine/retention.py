"""Results go when they are old, too many, or the disk is almost full; and objects that nobody refers to.

First the database forgets what a result referred to, then the objects go. Whatever is killed in between
leaves objects that nobody refers to, and these are looked for as well.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anyrig.core.retention import GRACE, Books, Going, Old, Rules, Standing, going
from anyrig.engine.clock import utc_now
from anyrig.storage import Connection
from anyrig.storage.artifacts import Objects, Stored
from anyrig.storage.database import Database
from anyrig.storage.sql import retention as sql

_BATCH = 200
"""Results in one transaction, and objects that are looked up at once."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, and by which rules."""

    db: Database
    objects: Objects
    rules: Rules
    now: Callable[[], int] = utc_now


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go now."""

    standing: Standing
    going: Going
    tombstones: int
    """Of so many results it would be forgotten that they were there."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Objects that nobody referred to, and that are gone; bytes."""

    objects: int = 0
    size: int = 0


async def plan(kept: Kept) -> Plan:
    """What ``enforce`` would do now."""
    standing = await _standing(kept)
    found, books = Going(), Books({}, {}, {})
    behind = None
    while (more := await kept.db.read(_read_more(kept.rules, standing, found, books, behind))).results:
        behind = more.oldest[-1]
        found += more
    tombstones = 0
    if kept.rules.tombstones is not None:
        before = standing.now - kept.rules.tombstones
        tombstones = await kept.db.read(lambda c: sql.tombstones(c, before))
    return Plan(standing, found, tombstones)


def _read_more(
    rules: Rules, standing: Standing, found: Going, books: Books, last: Old | None
) -> Callable[[Connection], Going]:
    def work(connection: Connection) -> Going:
        behind = (last.start, last.number) if last else None
        oldest = sql.oldest(connection, _BATCH, standing.now - GRACE, behind)
        books.learn(sql.books(connection, oldest))
        return going(rules, standing, found, oldest, books)

    return work


async def _at_once() -> None:
    pass


async def enforce(kept: Kept, go_on: Callable[[], Awaitable[None]] = _at_once) -> Plan:
    """Remove what has to go, in small steps; ``go_on`` is asked before each. What went is returned."""
    standing = await _standing(kept)
    found = Going()
    while True:
        await go_on()
        more, objects = await kept.db.write(_remove_more(kept.rules, standing, found))
        if not more.results:
            return Plan(standing, found, await _forget(kept, standing.now))
        found += more
        await _delete_unused(kept, objects, standing.now)


def _remove_more(
    rules: Rules, standing: Standing, found: Going
) -> Callable[[Connection], tuple[Going, set[str]]]:
    def work(connection: Connection) -> tuple[Going, set[str]]:
        oldest = sql.oldest(connection, _BATCH, standing.now - GRACE)
        more = going(rules, standing, found, oldest, sql.books(connection, oldest))
        return more, sql.remove(connection, [old.number for old in more.oldest], standing.now)

    return work


async def _standing(kept: Kept) -> Standing:
    results = await kept.db.read(sql.count) if kept.rules.most is not None else 0
    free = await asyncio.to_thread(kept.objects.room) if kept.rules.keep_free else None
    return Standing(kept.now(), results, free)


async def _forget(kept: Kept, now: int) -> int:
    """Forget that results were there, when that was long ago."""
    if kept.rules.tombstones is None:
        return 0
    before, forgotten = now - kept.rules.tombstones, 0
    while some := await kept.db.write(lambda c: sql.forget(c, before, _BATCH)):
        forgotten += some
    return forgotten


async def _delete_unused(kept: Kept, objects: set[str], now: int) -> set[str]:
    """Those of the objects that nobody refers to, unless they were written or offered only lately."""
    used = await kept.db.read(lambda c: sql.references(c, objects))
    return {
        name for name in sorted(objects - used.keys()) if await kept.objects.delete_old(name, now - GRACE)
    }


async def remove_leftovers(kept: Kept) -> Leftovers:
    """Remove all objects that nobody refers to, and uploads that were given up, if they are old enough."""
    now = kept.now()
    await kept.objects.expire_parts(now - GRACE)
    gone, batch = Leftovers(), dict[str, Stored]()
    async for stored in kept.objects.iterate():
        if stored.modified < now - GRACE:
            batch[stored.sha256] = stored
        if len(batch) == _BATCH:
            gone, batch = await _without(kept, batch, now, gone), {}
    return await _without(kept, batch, now, gone)


async def _without(kept: Kept, batch: dict[str, Stored], now: int, gone: Leftovers) -> Leftovers:
    deleted = await _delete_unused(kept, set(batch), now)
    return Leftovers(gone.objects + len(deleted), gone.size + sum(batch[name].size for name in deleted))
