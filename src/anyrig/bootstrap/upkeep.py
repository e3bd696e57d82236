"""What is done to the database and the objects themselves, whether a server runs or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyrig.bootstrap.objects import open_objects
from anyrig.core.retention import Object
from anyrig.engine import checking, retention
from anyrig.engine.retention import Kept, Leftovers, Plan
from anyrig.settings import read
from anyrig.storage.database import open_database
from anyrig.storage.migrations import HEAD


def migrate(data: Path | None) -> str:
    """Bring the database's schema up to date; the revision that it has then. Raises Invalid."""

    async def work() -> str:
        async with _opened(data):
            return HEAD

    return asyncio.run(work())


def planned(data: Path | None) -> Plan:
    """What would be removed now. Raises Invalid."""

    async def work() -> Plan:
        async with _opened(data) as kept:
            return await retention.plan(kept)

    return asyncio.run(work())


def enforced(data: Path | None) -> tuple[Plan, Leftovers]:
    """Remove it; what went. Raises Invalid."""

    async def work() -> tuple[Plan, Leftovers]:
        async with _opened(data) as kept:
            return await retention.enforce(kept), await retention.remove_leftovers(kept)

    return asyncio.run(work())


def missing(data: Path | None) -> tuple[int, list[tuple[Object, int | None]]]:
    """How many objects are referred to, and those that are not there or of another size. Raises Invalid."""

    async def work() -> tuple[int, list[tuple[Object, int | None]]]:
        async with _opened(data) as kept:
            return await checking.missing(kept.db, kept.objects)

    return asyncio.run(work())


@asynccontextmanager
async def _opened(data: Path | None) -> AsyncIterator[Kept]:
    settings = read(**({} if data is None else {"data": data}))
    async with open_database(settings.database) as db:
        yield Kept(db, open_objects(settings), settings.retention.rules())
