"""Threads that read from SQLite, each with a connection that it keeps.

The thread that became free last is taken first: what it needs is still in the processor's caches. A
``ThreadPoolExecutor`` wakes one more thread with every job, which finds nothing to do and is in the way.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class _Job(NamedTuple):
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class _Reader:
    """One of the threads."""

    def __init__(self, number: int, run: Callable[["_Reader"], None]) -> None:
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=run, args=(self,), name=f"sqlite-read-{number}", daemon=True)


class Readers:
    """All the threads. Everything but their own work is done in the event loop."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._readers = [_Reader(number, self._run) for number in range(count)]
        self._free = list(self._readers)
        self._waiting: deque[_Job] = deque()

    def start(self) -> None:
        for reader in self._readers:
            reader.thread.start()

    def close(self) -> None:
        """Blocks until the work at hand is done."""
        for reader in self._readers:
            reader.jobs.put(None)
        for reader in self._readers:
            reader.thread.join()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that only reads."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Job(work, loop, future))
        self._hand_out()
        return await future

    def _hand_out(self) -> None:
        while self._waiting and self._free:
            job = self._waiting.popleft()
            if not job.future.done():  # whoever asked may have gone
                self._free.pop().jobs.put(job)

    def _run(self, reader: _Reader) -> None:
        with self._engine.connect() as connection:
            while (job := reader.jobs.get()) is not None:
                value, problem = _attempt(connection, job.work)
                with suppress(RuntimeError):  # the loop was closed, and nobody waits any more
                    job.loop.call_soon_threadsafe(self._done, reader, job.future, value, problem)

    def _done(
        self, reader: _Reader, future: "asyncio.Future[Any]", value: Any, problem: BaseException | None
    ) -> None:
        self._free.append(reader)
        self._hand_out()
        if not future.done():
            future.set_exception(problem) if problem else future.set_result(value)


def _attempt(connection: Connection, work: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    """What the work gives, or raises. The driver itself is told of the transaction: a tenth of the time."""
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute("BEGIN")
        try:
            return work(connection), None
        finally:
            driver.rollback()
    except BaseException as error:  # noqa: BLE001 - handed to whoever asked; the thread lives on
        return None, error
