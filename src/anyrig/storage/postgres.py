"""PostgreSQL through asyncpg: the same plain functions, over SQLAlchemy's greenlet bridge."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from anyrig.storage.migrate import migrate

T = TypeVar("T")
_RETRIES = 5
_RETRIED = {"40001", "40P01"}
"""SQLSTATE of a serialisation failure and of a deadlock."""
_LOCK = 0x616E79726967
"""Key of the advisory lock under which the schema is changed: "anyrig"."""
_CONNECTIONS = 10
"""That write, at most, and as many that read."""


class PostgresDatabase:
    """For many servers on one database. Use as an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        """``url`` is ``postgresql://user:password@host/name``."""
        self._engine = _engine(url, {}, pool_pre_ping=True)
        # A statement is a transaction, and sees what one of its own would: to begin and to end one takes two
        # more trips to the database, and to ask beforehand whether the connection still stands takes three.
        self._reading = _engine(url, {"default_transaction_read_only": "on"}, isolation_level="AUTOCOMMIT")

    async def __aenter__(self) -> Self:
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(migrate)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()
        await self._reading.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """A connection that has broken since it was used last is noticed now, and another one is taken."""
        try:
            return await self._read(work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._read(work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        async with self._reading.connect() as connection:
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


def _engine(url: str, settings: dict[str, str], **how: Any) -> AsyncEngine:
    _, _, rest = url.partition("://")
    return create_async_engine(
        f"postgresql+asyncpg://{rest}",
        pool_size=_CONNECTIONS,
        max_overflow=0,
        connect_args={
            "server_settings": {"jit": "off"} | settings
        },  # it takes longer than any statement of ours
        json_deserializer=msgspec.json.decode,
        **how,
    )


def _lost_a_race(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _RETRIED
