"""SQLite with one writer thread that commits in groups, and reader threads with connections of their own."""

import asyncio
import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from anyrig.storage.migrate import migrate
from anyrig.storage.sqlite_readers import Readers

T = TypeVar("T")
_PATIENCE = 10.0
"""Seconds to wait for a lock."""
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "case_sensitive_like=ON",
    "cache_size=-65536",
    "mmap_size=1073741824",
    "wal_autocheckpoint=8192",
)
_READERS = 4
_WRITE_BACK = 100
"""After so many commits the log is written back into the database, beside the commits that follow. SQLite by
itself would do it within a commit, for which somebody waits; it still does where commits leave no pause."""
_GROUP = 64
"""At most this many use cases are committed together."""
_Job = tuple[Callable[[Connection], Any], "Future[Any]"]


def sqlite_engine(url: str) -> Engine:
    """An engine whose connections are durable (WAL, FULL), patient and strict about foreign keys."""
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",  # BEGIN and COMMIT are said here in so many words
        connect_args={"check_same_thread": False, "timeout": _PATIENCE},
        json_deserializer=msgspec.json.decode,
        poolclass=QueuePool,
        pool_size=_READERS + 2,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        _use_wal(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _use_wal(connection: Any) -> None:
    """Several servers may open a new database at once, and SQLite does not wait for the change by itself."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


class SqliteDatabase:
    """The default database. Use as an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        self._engine = sqlite_engine(url)
        self._readers = Readers(self._engine, _READERS)
        self._writing_back = ThreadPoolExecutor(1, "sqlite-write-back")
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="sqlite-write", daemon=True)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._migrate)
        self._readers.start()
        self._writer.start()
        return self

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrate(connection)
            connection.exec_driver_sql("COMMIT")

    async def __aexit__(self, *_: object) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.close)
        self._writing_back.shutdown()
        self._engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._readers.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        future: Future[T] = Future()
        self._queue.put((work, future))
        return await asyncio.wrap_future(future)

    def _write_loop(self) -> None:
        with self._engine.connect() as connection:
            for commits in itertools.count(1):
                first = self._queue.get()
                if first is None or self._commit_group(connection, self._gather(first)):
                    return
                if commits % _WRITE_BACK == 0:
                    self._writing_back.submit(self._write_back)

    def _write_back(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def _gather(self, first: _Job) -> list[_Job | None]:
        group: list[_Job | None] = [first]
        while len(group) < _GROUP:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return group

    def _commit_group(self, connection: Connection, group: list[_Job | None]) -> bool:
        """Commit the group as one transaction, each use case in a savepoint. True: asked to end."""
        jobs = [job for job in group if job is not None and job[1].set_running_or_notify_cancel()]
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for work, future in jobs:
                outcomes.append((future, *_attempt(connection, work)))
            connection.exec_driver_sql("COMMIT")
        except BaseException as error:  # noqa: BLE001 - the writer lives on; every waiter is told
            _rollback(connection)
            outcomes = [(future, None, error) for _, future in jobs]
        for future, value, problem in outcomes:
            future.set_exception(problem) if problem else future.set_result(value)
        return None in group


def _attempt(connection: Connection, work: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    connection.exec_driver_sql("SAVEPOINT use_case")
    try:
        value = work(connection)
    except Exception as error:  # noqa: BLE001 - handed to whoever asked
        connection.exec_driver_sql("ROLLBACK TO use_case")
        connection.exec_driver_sql("RELEASE use_case")
        return None, error
    connection.exec_driver_sql("RELEASE use_case")
    return value, None


def _rollback(connection: Connection) -> None:
    """A full disk has already rolled back by itself."""
    with suppress(OperationalError):
        connection.exec_driver_sql("ROLLBACK")
