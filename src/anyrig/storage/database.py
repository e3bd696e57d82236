"""One door to SQL: a use case is a plain function of a connection, run as one transaction.

The same functions serve both databases. On SQLite they run in threads, all writes in one writer thread that
commits whatever is waiting as one group; on PostgreSQL they run over asyncpg.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """What the engine needs of a database."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that only reads."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and return after its commit is on disk.

        ``work`` may be run more than once; only one run is committed.
        """


def open_database(url: str) -> "AbstractAsyncContextManager[Database]":
    """Open ``sqlite:///path`` or ``postgresql://user:password@host/name``.

    Entering it brings the schema up to date, under a lock, so any number of servers may start at once.
    """
    if url.startswith("sqlite:"):
        from anyrig.storage.sqlite import SqliteDatabase  # noqa: PLC0415 - one of them is never needed

        return SqliteDatabase(url)
    from anyrig.storage.postgres import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(url)
