"""Is everything there that results and logs refer to?"""

import asyncio

from anyrig.core.retention import Object
from anyrig.storage.artifacts import Objects
from anyrig.storage.database import Database
from anyrig.storage.sql import retention as sql

_BATCH = 500
_AT_ONCE = 16


async def missing(db: Database, objects: Objects) -> tuple[int, list[tuple[Object, int | None]]]:
    """How many objects are referred to, and those that are not as they should be, with their true size.

    The size is None when an object is not there.
    """
    count, found = 0, list[tuple[Object, int | None]]()
    places = asyncio.Semaphore(_AT_ONCE)
    some = await _referenced(db, "")
    while some:
        sizes = await asyncio.gather(*(_size(objects, each.sha256, places) for each in some))
        found += [(each, size) for each, size in zip(some, sizes, strict=True) if size != each.size]
        count += len(some)
        some = await _referenced(db, some[-1].sha256)
    return count, found


async def _referenced(db: Database, behind: str) -> list[Object]:
    return await db.read(lambda c: sql.referenced(c, behind, _BATCH))


async def _size(objects: Objects, sha256: str, places: asyncio.Semaphore) -> int | None:
    async with places:
        return await objects.size(sha256)
