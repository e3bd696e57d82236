"""PostgreSQL through asyncpg: the same plain functions, over SQLAlchemy's greenlet bridge."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from anyrig.storage.migrate import migrate

T = TypeVar("T")
_RETRIES = 5
_RETRIED = {"40001", "40P01"}
"""SQLSTATE of a serialisation failure and of a deadlock."""
_LOCK = 0x616E79726967
"""Key of the advisory lock under which the schema is changed: "anyrig"."""
_CONNECTIONS = 10


class PostgresDatabase:
    """For many servers on one database. Use as an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        """``url`` is ``postgresql://user:password@host/name``."""
        _, _, rest = url.partition("://")
        self._engine = create_async_engine(
            f"postgresql+asyncpg://{rest}",
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_pre_ping=True,
        )

    async def __aenter__(self) -> Self:
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(migrate)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """A transaction that lost a race (a unique index, a serialisation failure) is run again."""
        for attempt in range(_RETRIES):
            try:
                return await self._once(work)
            except DBAPIError as error:
                if not _lost_a_race(error):
                    raise
            await asyncio.sleep(0.005 * 2**attempt)
        return await self._once(work)

    async def _once(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


def _lost_a_race(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _RETRIED
