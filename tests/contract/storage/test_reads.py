"""Reading from a database: many at once, each by itself, and none of them changes anything."""

import asyncio
import threading
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.schema import facts
from anyrig.storage.sql import access


def named(connection: Connection) -> list[str]:
    return list(connection.execute(select(facts.c.name).order_by(facts.c.name)).scalars())


def broken(_connection: Connection) -> None:
    raise LookupError("this read fails")


async def test_more_reads_than_can_run_at_once_are_all_answered(db: Database) -> None:
    await db.write(lambda c: access.set_fact(c, "colour", "red"))
    assert await asyncio.gather(*(db.read(named) for _ in range(50))) == [["colour"]] * 50


async def test_a_read_sees_what_was_written_before_it(db: Database) -> None:
    for number in range(5):
        await db.write(lambda c, number=number: access.set_fact(c, f"fact {number}", ""))  # type: ignore[misc]
        assert len(await db.read(named)) == number + 1


async def test_a_read_that_fails_says_so_and_the_next_ones_go_on(db: Database) -> None:
    for _ in range(20):
        with pytest.raises(LookupError, match="this read fails"):
            await db.read(broken)
    assert await db.read(named) == []


async def test_what_a_read_writes_by_mistake_is_not_kept(db: Database) -> None:
    with suppress(DBAPIError):  # to refuse it at once is as good
        await db.read(lambda c: access.set_fact(c, "colour", "red"))
    assert await db.read(named) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_reads_whose_askers_have_gone_make_room_for_others(db: Database) -> None:
    let_go = threading.Event()

    def slow(_connection: Connection) -> bool:
        return let_go.wait(10)

    gone = [asyncio.create_task(db.read(slow)) for _ in range(20)]
    await asyncio.sleep(0)  # so that all have been asked
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    let_go.set()
    assert await db.read(named) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_connections_that_the_database_has_closed_are_replaced(db: Database, database_url: str) -> None:
    await asyncio.gather(*(db.read(named) for _ in range(5)))
    other = await asyncpg.connect(database_url)
    everybody_else = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    )
    await other.execute(f"{everybody_else} AND pid <> pg_backend_pid()")
    await other.close()
    assert await asyncio.gather(*(db.read(named) for _ in range(5))) == [[]] * 5
    await db.write(lambda c: access.set_fact(c, "colour", "red"))
    assert await db.read(named) == ["colour"]
