"""Reservations in the database, the same on both."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from lab_rows import NOW, accepted, add_nodes, finished, ingested, submitted, the_end
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from anyrig.core import reservations as rules
from anyrig.core.errors import NodeReserved, NodesNotFree, NotFound, NotYourReservation
from anyrig.core.jobs import State
from anyrig.core.reservations import Reservation
from anyrig.core.users import Principal, Role
from anyrig.engine import stop
from anyrig.engine.outgoing import Changed, Dispatched, Reserved
from anyrig.engine.reserve import Wanted, change_in, end_overdue_in, reserve_in
from anyrig.storage import Connection, migrations
from anyrig.storage.database import Database, open_database
from anyrig.storage.migrate import current
from anyrig.storage.schema import reservations
from anyrig.storage.sql import jobs, nodes, tasks
from anyrig.storage.sql import reservations as sql
from anyrig.storage.sqlite import sqlite_engine

MINUTE = 60_000_000


def reserved(
    c: Connection, *names: str, user: str = "ada", seconds: int | None = None, now: int = NOW
) -> list[Reservation]:
    return reserve_in(c, user, Wanted(names, "Soak", seconds), now)[0]


def _reserved_by_bob(c: Connection, name: str) -> list[Reservation]:
    return reserved(c, name, user="bob")


def ended(c: Connection, one: Reservation, user: str = "ada", now: int = NOW) -> Reservation:
    return change_in(c, one.number, lambda held: rules.ended(held, user, now), now)[0]


async def test_all_nodes_are_reserved_or_none(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1", "tv2", "tv3"))
    made = await db.write(lambda c: reserved(c, "tv2", "tv1"))
    assert [one.node for one in made] == ["tv2", "tv1"]
    with pytest.raises(NodesNotFree) as refused:
        await db.write(lambda c: reserved(c, "tv3", "tv1", "tv2", user="bob"))
    assert refused.value.fields["nodes"] == {
        "tv1": "Node tv1 reserved by @ada",
        "tv2": "Node tv2 reserved by @ada",
    }
    with pytest.raises(NotFound, match="no node 'tv9'"):
        await db.write(lambda c: reserved(c, "tv3", "tv9"))
    assert [one.node for one in await db.read(lambda c: sql.held(c, NOW))] == ["tv1", "tv2"]


async def test_of_fifty_who_race_for_two_nodes_one_wins_both(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1", "tv2"))

    def attempt(user: str) -> Callable[[Connection], list[Reservation]]:
        names = ("tv1", "tv2") if int(user[1:]) % 2 else ("tv2", "tv1")
        return lambda c: reserved(c, *names, user=user)

    answers = await asyncio.gather(
        *(db.write(attempt(f"u{number}")) for number in range(50)), return_exceptions=True
    )
    assert sum(isinstance(answer, list) for answer in answers) == 1
    assert sum(isinstance(answer, NodesNotFree) for answer in answers) == 49
    held = await db.read(lambda c: sql.held(c, NOW))
    assert len({one.user for one in held}) == 1
    assert [one.node for one in held] == ["tv1", "tv2"]


async def test_a_node_is_either_reserved_or_given_to_somebody_else_never_both(db: Database) -> None:
    names = [f"tv{number}" for number in range(8)]
    await db.write(lambda c: add_nodes(c, *names))
    attempts: list[Callable[[Connection], object]] = []
    for name in names:
        attempts.append(partial(_reserved_by_bob, name=name))
        attempts.append(partial(submitted, node=name, queue=False))
    answers = await asyncio.gather(*(db.write(attempt) for attempt in attempts), return_exceptions=True)
    assert sum(isinstance(answer, NodesNotFree | NodeReserved) for answer in answers) == len(names)
    for node in await db.read(lambda c: nodes.for_placement(c, NOW)):
        assert (node.busy_with is None) != (node.reserved_by is None)


async def test_the_database_itself_refuses_a_second_one_for_a_node(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    await db.write(lambda c: reserved(c, "tv1"))
    row = {"node": "tv1", "user": "bob", "message": "", "start": NOW, "state": "held"}
    with pytest.raises(IntegrityError):
        await db.write(lambda c: c.execute(insert(reservations).values(row)))


async def test_a_busy_or_silent_node_cannot_be_reserved_not_even_by_its_user(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    await db.write(lambda c: submitted(c, node="tv1"))
    with pytest.raises(NodesNotFree, match="Node tv1 is running job /tv1/"):
        await db.write(lambda c: reserved(c, "tv1"))
    later = NOW + 10 * MINUTE
    with pytest.raises(NodesNotFree, match="Node tv1 is offline"):
        await db.write(lambda c: reserved(c, "tv1", now=later))


async def test_a_reserved_node_runs_its_owners_jobs_and_lets_others_wait(db: Database) -> None:
    def work(c: Connection) -> list[tuple[State, str]]:
        add_nodes(c, "tv1")
        reserved(c, "tv1", user="bob")
        (task,) = tasks.of_job(c, submitted(c, node="tv1").number)
        return [(task.state, task.reason)]

    assert await db.write(work) == [(State.QUEUED, "Node tv1 is reserved by @bob.")]
    with pytest.raises(NodeReserved, match="Node tv1 is reserved by @bob"):
        await db.write(lambda c: submitted(c, node="tv1", queue=False))


async def test_the_end_of_a_reservation_places_who_waits_at_once(db: Database) -> None:
    def work(c: Connection) -> tuple[list[object], int]:
        add_nodes(c, "tv1")
        (one,) = reserved(c, "tv1", user="bob")
        job = submitted(c, node="tv1")
        return list(change_in(c, one.number, lambda held: rules.ended(held, "bob", NOW), NOW)[1]), job.number

    follows, job = await db.write(work)
    (task,) = await db.read(lambda c: tasks.of_job(c, job))
    assert follows == [Reserved(), Dispatched(task.number, "tv1", NOW), Changed(job)]
    assert task.state is State.PLACED


async def test_whoever_waits_has_the_node_before_whoever_reserves_it_after_its_time(db: Database) -> None:
    def work(c: Connection) -> int:
        add_nodes(c, "tv1")
        reserved(c, "tv1", user="bob", seconds=10)
        return submitted(c, node="tv1").number

    job = await db.write(work)
    later = NOW + 20_000_000
    with pytest.raises(NodesNotFree, match="is running job"):
        await db.write(lambda c: reserved(c, "tv1", user="eve", now=later))
    follows = await db.write(lambda c: end_overdue_in(c, later))
    assert Changed(job) in follows


async def test_one_whose_time_has_passed_counts_no_more_before_that_is_written_down(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    (first,) = await db.write(lambda c: reserved(c, "tv1", seconds=10))
    later = NOW + 10_000_000
    assert await db.read(lambda c: sql.held(c, later - 1)) == [first]
    assert await db.read(lambda c: sql.held(c, later)) == []
    (second,) = await db.write(lambda c: reserved(c, "tv1", user="bob", now=later))
    assert await db.read(lambda c: sql.held(c, later)) == [second]
    over = await db.read(lambda c: sql.by_number(c, first.number))
    assert over is not None
    assert (over.state, over.ended) == (rules.State.EXPIRED, later)


async def test_what_is_ended_twice_has_ended_once(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    (one,) = await db.write(lambda c: reserved(c, "tv1"))
    over = await db.write(lambda c: ended(c, one))
    assert await db.write(lambda c: ended(c, one, now=NOW + MINUTE)) == over
    with pytest.raises(NotYourReservation):
        await db.write(lambda c: ended(c, one, user="bob"))
    with pytest.raises(NotFound, match="no reservation '99'"):
        await db.write(lambda c: change_in(c, 99, lambda held: held, NOW))
    assert await db.read(lambda c: sql.by_number(c, 2**70)) is None


async def test_the_job_of_a_reserved_node_is_stopped_by_the_owner_only(db: Database) -> None:
    def work(c: Connection) -> str:
        add_nodes(c, "tv1")
        reserved(c, "tv1")
        return submitted(c, node="tv1").uid

    uid = await db.write(work)
    bob, ada = (Principal(user, Role.ADMIN, "t") for user in ("bob", "ada"))
    with pytest.raises(NodeReserved):
        await db.write(lambda c: stop._stop(c, bob, uid, NOW))
    job = await db.read(lambda c: jobs.by_uid(c, uid))
    assert job is not None
    assert (job.state, job.stopped_by) == (State.PLACED, None)
    assert (await db.write(lambda c: stop._stop(c, ada, uid, NOW)))[0].is_over
    assert (await db.write(lambda c: stop._stop(c, bob, uid, NOW)))[0].is_over


async def test_a_job_that_waits_for_a_reserved_node_can_be_stopped_by_anybody(db: Database) -> None:
    def work(c: Connection) -> str:
        add_nodes(c, "tv1")
        reserved(c, "tv1", user="bob")
        return submitted(c, node="tv1").uid

    uid = await db.write(work)
    assert (await db.write(lambda c: stop._stop(c, Principal("eve", Role.OPERATOR, "t"), uid, NOW)))[
        0
    ].is_over


async def test_a_node_says_who_used_it_last(db: Database) -> None:
    def last(c: Connection) -> tuple[str | None, int | None]:
        node = nodes.by_name(c, "tv1")
        assert node is not None
        return node.last_used_by, node.last_used

    await db.write(lambda c: add_nodes(c, "tv1"))
    assert await db.read(last) == (None, None)
    (one,) = await db.write(lambda c: reserved(c, "tv1", user="bob", now=NOW + 1))
    assert await db.read(last) == ("bob", NOW + 1)
    await db.write(lambda c: submitted(c, node="tv1", now=NOW + 2))
    assert await db.read(last) == ("bob", NOW + 1)
    await db.write(lambda c: ended(c, one, user="bob", now=NOW + 3))
    assert await db.read(last) == ("ada", NOW + 3)


async def test_a_node_that_is_free_again_after_its_job_can_be_reserved(db: Database) -> None:
    def work(c: Connection) -> list[Reservation]:
        add_nodes(c, "tv1")
        (task,) = tasks.of_job(c, submitted(c, node="tv1").number)
        accepted(c, task.number, "tv1")
        ingested(c, task.number, "tv1", finished(), the_end())
        return reserved(c, "tv1", user="bob")

    assert len(await db.write(work)) == 1


async def test_interruptions_are_told_to_the_owner_for_a_while(db: Database) -> None:
    def work(c: Connection) -> Reservation:
        add_nodes(c, "tv1")
        (one,) = reserved(c, "tv1")
        return change_in(c, one.number, lambda held: rules.interrupted(held, "bob", "Why", NOW), NOW)[0]

    one = await db.write(work)
    assert await db.read(lambda c: sql.interrupted_since(c, "ada", NOW - 1)) == [one]
    assert await db.read(lambda c: sql.interrupted_since(c, "ada", NOW)) == []
    assert await db.read(lambda c: sql.interrupted_since(c, "bob", NOW - 1)) == []
    assert await db.read(lambda c: sql.page(c, 10)) == [one]
    assert await db.read(lambda c: sql.page(c, 10, before=one.number)) == []


async def test_a_database_from_before_there_were_reservations_keeps_what_it_has(database_url: str) -> None:
    def at_0002(c: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = c
        command.upgrade(config, "0002")
        c.exec_driver_sql(
            "INSERT INTO agents (name, secret_hash, owner, created) VALUES ('rack', 'x', 'ada', 1)"
        )
        c.exec_driver_sql(
            "INSERT INTO nodes (name, agent, kinds, labels, created) VALUES ('tv1', 'rack', '[]', '[]', 1)"
        )

    if database_url.startswith("sqlite:"):
        engine = sqlite_engine(database_url)
        with engine.connect() as connection:
            at_0002(connection)
        engine.dispose()
    else:
        pool = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
        async with pool.begin() as opened:
            await opened.run_sync(at_0002)
        await pool.dispose()
    async with open_database(database_url) as db:
        assert await db.read(current) == migrations.HEAD
        assert [node.name for node in await db.read(nodes.every)] == ["tv1"]
        assert await db.read(lambda c: sql.held(c, NOW)) == []
