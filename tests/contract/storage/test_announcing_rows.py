"""What is still to be told, in real databases."""

import asyncio
from dataclasses import replace

import pytest
from lab_rows import accepted, add_nodes, submitted

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.messages import Noted
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import announcements as sql
from anyrig.storage.sql import build_records, builds, tasks
from anyrig.storage.sql.announcements import Owed
from anyrig.storage.sql.builds import BuildJob, Kept, Listener

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
MAIL = Listener("mail", Level.WARNING, everything=False)
FILE = Listener("file", Level.DEBUG, everything=True)


def build(c: Connection, listen_point: str = "shop") -> Kept:
    return builds.add(c, Kept(0, listen_point, "builds", 0, b"", None, NOW, "ada"))


def say(
    c: Connection, of: Kept, *messages: str, listeners: tuple[Listener, ...] = (MAIL,), at: int = NOW
) -> None:
    for message in messages:
        record = Record(at, Channel.RUN, Level.ERROR, message)
        build_records.add(c, of.number, of.history, listeners, record)


def told(owed: list[Owed]) -> list[tuple[str, str]]:
    return [(each.extension, each.record.message) for each in owed]


def taken(c: Connection, owed: Owed, until: int = NOW + 60 * SECOND) -> Owed:
    held = sql.take(c, owed, until)
    assert held is not None
    return held


async def test_the_oldest_of_each_extension_of_each_build_is_due(db: Database) -> None:
    def work(c: Connection) -> list[Owed]:
        shop, blog = build(c), build(c, "blog")
        say(c, shop, "1", "2", listeners=(MAIL, FILE))
        say(c, blog, "3")
        return sql.due(c, NOW, 10)

    owed = await db.write(work)
    assert told(owed) == [("mail", "1"), ("file", "1"), ("mail", "3")]
    assert owed[0].record == Record(NOW, Channel.RUN, Level.ERROR, "1")
    assert (owed[0].due, owed[0].tries, owed[0].job) == (0, 0, None)
    assert owed[0].build == owed[1].build != owed[2].build


async def test_what_a_node_said_is_due_at_once_whatever_its_clock_says_and_no_more_than_asked_for(
    db: Database,
) -> None:
    def work(c: Connection) -> None:
        for name in ("a", "b", "c"):
            say(c, build(c, name), name, at=NOW + SECOND)

    await db.write(work)
    assert await db.read(sql.next_due) == 0
    assert told(await db.read(lambda c: sql.due(c, NOW, 2))) == [("mail", "a"), ("mail", "b")]


async def test_what_is_taken_is_not_due_until_the_lease_is_over_and_others_wait_behind_it(
    db: Database,
) -> None:
    def work(c: Connection) -> Owed:
        say(c, build(c), "1", "2")
        return taken(c, sql.due(c, NOW, 1)[0])

    held = await db.write(work)
    assert (held.due, held.tries) == (NOW + 60 * SECOND, 1)
    assert await db.read(lambda c: sql.due(c, NOW + 59 * SECOND, 10)) == []
    assert await db.read(sql.next_due) == NOW + 60 * SECOND
    assert await db.read(lambda c: sql.due(c, NOW + 60 * SECOND, 10)) == [held]
    await db.write(lambda c: sql.done(c, held))
    (behind,) = await db.read(lambda c: sql.due(c, NOW, 10))
    assert behind.record.message == "2"
    assert await db.read(lambda c: sql.next_of(c, behind.build, "mail")) == behind
    assert await db.read(lambda c: sql.next_of(c, behind.build, "file")) is None


async def test_nothing_is_left_once_all_is_told(db: Database) -> None:
    def work(c: Connection) -> int | None:
        say(c, build(c), "1")
        assert sql.done(c, taken(c, sql.due(c, NOW, 1)[0]))
        return sql.next_due(c)

    assert await db.write(work) is None


async def test_what_is_to_be_told_later_is_due_then(db: Database) -> None:
    def work(c: Connection) -> None:
        say(c, build(c), "1", "2")
        assert sql.later(c, taken(c, sql.due(c, NOW, 1)[0]), NOW + 5 * SECOND)

    await db.write(work)
    assert await db.read(lambda c: sql.due(c, NOW + 5 * SECOND - 1, 10)) == []
    (again,) = await db.read(lambda c: sql.due(c, NOW + 5 * SECOND, 10))
    assert (again.record.message, again.tries) == ("1", 1)


async def test_of_many_who_take_the_same_one_gets_it(db: Database) -> None:
    await db.write(lambda c: say(c, build(c), "1"))
    (owed,) = await db.read(lambda c: sql.due(c, NOW, 10))
    until = NOW + 60 * SECOND
    answers = await asyncio.gather(*(db.write(lambda c: sql.take(c, owed, until)) for _ in range(20)))
    assert [held for held in answers if held is not None] == [replace(owed, due=until, tries=1)]


async def test_what_was_put_off_meanwhile_is_not_taken_before_its_time(db: Database) -> None:
    def work(c: Connection) -> Owed | None:
        say(c, build(c), "1")
        held = taken(c, sql.due(c, NOW, 1)[0])
        (seen,) = sql.due(c, held.due, 1)
        assert sql.later(c, held, held.due + SECOND)
        return sql.take(c, seen, NOW)

    assert await db.write(work) is None


async def test_who_came_back_too_late_decides_nothing(db: Database) -> None:
    def work(c: Connection) -> tuple[bool, bool, bool]:
        say(c, build(c), "1")
        late = taken(c, sql.due(c, NOW, 1)[0])
        now = taken(c, sql.due(c, late.due, 1)[0], late.due + SECOND)
        return sql.later(c, late, NOW), sql.done(c, late), sql.done(c, now)

    assert await db.write(work) == (False, False, True)


async def test_what_a_node_said_has_its_job_as_long_as_the_job_is_there(db: Database) -> None:
    def work(c: Connection) -> tuple[str, list[Owed]]:
        add_nodes(c, "tv1")
        shop, job = build(c), submitted(c)
        (task,) = tasks.of_job(c, job.number)
        accepted(c, task.number, "tv1")
        run = BuildJob(job.number, shop.number, shop.history, (MAIL,), None, None, None)
        said = Noted(number=0, at=NOW, channel=Channel.RUN, level=Level.ERROR, message="Build failed")
        build_records.ingest(c, run, task.number, 1, [said])
        return job.uid, sql.due(c, NOW, 10)

    uid, (owed,) = await db.write(work)
    assert (owed.job, owed.record.message) == (uid, "Build failed")


@pytest.mark.parametrize("many", [2000])
async def test_a_long_queue_of_one_extension_hides_no_other(db: Database, many: int) -> None:
    def work(c: Connection) -> list[Owed]:
        say(c, build(c), *(str(number) for number in range(many)))
        say(c, build(c, "blog"), "here")
        return sql.due(c, NOW, 2)

    assert told(await db.write(work)) == [("mail", "0"), ("mail", "here")]
