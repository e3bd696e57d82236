"""Builds, what is said of them, and their runs, the same on both databases."""

import asyncio
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from lab_rows import NOW, finished, ingested, the_end

from anyrig.core.build_records import BUILD_FAILED, Channel, Level, Record
from anyrig.core.build_spec import Source
from anyrig.core.builds import BadBuild, BuildConfig
from anyrig.core.errors import Forbidden, NotFound
from anyrig.core.jobs import State
from anyrig.core.messages import (
    AcceptRequest,
    CaseStarted,
    NodeOffer,
    Noted,
    Presence,
    TaskFinished,
    TaskSpec,
)
from anyrig.core.records import Job, Task
from anyrig.core.results import Verdict
from anyrig.core.users import Principal, Role
from anyrig.engine import accept, build_logs, build_runs, builds, stop
from anyrig.engine.build_logs import Pages
from anyrig.engine.build_runs import End, Replayed, Wanted
from anyrig.engine.builds import ListenPointTaken
from anyrig.engine.known_builds import Build, KnownBuilds
from anyrig.engine.lose import Loss, _lose
from anyrig.engine.outgoing import Ended, Outgoing
from anyrig.engine.seals import Seal, SealBroken
from anyrig.engine.waiting import Waiters
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.schema import announcements
from anyrig.storage.sql import access, build_deliveries, build_records, jobs, nodes, results, tasks
from anyrig.storage.sql import builds as sql
from anyrig.storage.sql.build_records import Page
from anyrig.storage.sql.builds import Kept

SECOND = 1_000_000
ADA = Principal("ada", Role.OPERATOR, "t")
LISTENING, TRIGGERED = "Listening on shop", "Triggered, actions in queue: 1"
DEBUG, INFO, WARNING, ERROR = Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR


@pytest.fixture
def lab(db: Database) -> Any:
    """All that builds ask of a lab; its clock goes on by a second whenever somebody looks at it."""
    ticks = count(NOW, SECOND)
    return SimpleNamespace(
        db=db,
        seal=Seal(bytes(32)),
        builds=KnownBuilds(),
        series=1,
        outgoing=Outgoing(),
        waiters=Waiters(),
        now=lambda: next(ticks),
    )


def anything(_config: BuildConfig) -> None:
    """Takes every config."""


async def created(lab: Any, name: str = "shop", more: str = "", who: Principal = ADA) -> Build:
    return await builds.create(lab, who, f"id: {name}\nactions: ['true']\n{more}", anything)


async def with_node(lab: Any, *names: str) -> None:
    def work(c: Connection) -> None:
        access.put_agent(c, "lab", b"secret", "ada", NOW)
        nodes.enrol(c, "lab", [NodeOffer(name, ("build",)) for name in names], NOW)
        for name in names:
            nodes.seen(c, name, Presence("boot", "1", "lab", "10.0.0.1"), NOW)

    await lab.db.write(work)


async def triggered(lab: Any, build: Build, source: Source = Source.TRIGGER, **params: str) -> Job:
    return await build_runs.trigger(lab, ADA, build, Wanted(source, params))


async def begun(lab: Any, job: Job, node: str = "n1") -> Task:
    """Its task, accepted by the node."""
    (task,) = await lab.db.read(lambda c: tasks.of_job(c, job.number))
    await lab.db.write(lambda c: accept._accept(c, AcceptRequest(task.number, node, "boot"), NOW))
    (task,) = await lab.db.read(lambda c: tasks.of_job(c, job.number))
    assert task.state is State.RUNNING
    return task


async def running(lab: Any) -> tuple[Build, Job, Task]:
    await with_node(lab, "n1")
    build = await created(lab)
    job = await triggered(lab, build)
    return build, job, await begun(lab, job)


def noted(
    number: int,
    message: str = "Finished",
    level: Level = INFO,
    channel: Channel = Channel.ACTIONS,
    at: int | None = None,
) -> Noted:
    when = NOW + 99 * SECOND + number if at is None else at
    return Noted(number=number, at=when, channel=channel, level=level, message=message)


def of_run(number: int, message: str, level: Level = INFO) -> Noted:
    return noted(number, message, level, Channel.RUN)


async def said(lab: Any, build: Build, level: int = DEBUG, *, runs: bool = False) -> list[str]:
    """The oldest first."""
    now = await builds.numbered(lab, build.number)
    found = await build_logs.records(lab, now, Pages(size=-1, level=level), runs=runs)
    return [record.message for record in reversed(found)]


async def told(lab: Any, task: Task, *events: Any, attempt: int = 1) -> list[Ended]:
    follows = await lab.db.write(
        lambda c: ingested(c, task.number, task.node or "", *events, attempt=attempt)
    )
    return list(follows.ended)


async def lost(lab: Any, task: Task, why: str = "Node lost.") -> list[Ended]:
    follows = await lab.db.write(lambda c: _lose(c, task, Loss(why, None, None), NOW + 9 * SECOND))
    return list(follows.ended)


async def end(lab: Any, job: Job) -> End | None:
    return await build_runs.end_of(lab, job)


class TestRecords:
    async def test_a_record_is_kept_once_however_often_it_comes(self, lab: Any) -> None:
        build, _, task = await running(lab)
        await told(lab, task, noted(0, "a"), noted(1, "b"))
        await told(lab, task, noted(0, "a"), noted(1, "b"))
        await told(lab, task, noted(1, "b"), noted(2, "c"))
        await told(lab, task, noted(0, "a"))
        assert await said(lab, build) == [LISTENING, TRIGGERED, "a", "b", "c"]

    async def test_many_who_bring_the_same_batch_at_once_bring_it_once(self, lab: Any) -> None:
        build, _, task = await running(lab)
        batch = [noted(number, str(number)) for number in range(5)]
        await asyncio.gather(*(told(lab, task, *batch) for _ in range(10)))
        numbers = [message for message in await said(lab, build) if message.isdigit()]
        assert numbers == ["0", "1", "2", "3", "4"]

    async def test_a_later_attempt_counts_anew_and_an_earlier_one_is_not_believed_any_more(
        self, lab: Any
    ) -> None:
        build, job, task = await running(lab)
        await told(lab, task, noted(0, "first"))
        await lab.db.write(lambda c: _allow_retry(c, job.number))
        assert await lost(lab, task) == []
        again = await begun(lab, job)
        assert again.attempt == 2
        await told(lab, task, noted(1, "late"))
        await told(lab, again, noted(0, "second"), attempt=2)
        await told(lab, again, noted(0, "second"), attempt=2)
        assert [m for m in await said(lab, build) if m in {"first", "late", "second"}] == ["first", "second"]

    async def test_what_no_node_said_may_be_said_again(self, lab: Any) -> None:
        build = await created(lab)
        for _ in range(2):
            await builds.note(lab, build, [(INFO, "Valid payload received")])
        assert (await said(lab, build)).count("Valid payload received") == 2

    async def test_of_one_moment_what_was_said_later_is_the_newer(self, db: Database) -> None:
        def work(c: Connection) -> list[Record]:
            for number in range(30):
                add(c, Record(NOW + number // 10, Channel.RUN, INFO, str(number)))
            return build_records.page(c, 1, Page(None, DEBUG, 0, -1))

        assert [record.message for record in await db.write(work)] == [str(n) for n in range(29, -1, -1)]

    async def test_what_is_said_late_stands_where_it_was_said(self, db: Database) -> None:
        def work(c: Connection) -> list[Record]:
            for at in (NOW + 5, NOW, NOW + 9):
                add(c, Record(at, Channel.RUN, INFO, str(at - NOW)))
            return build_records.page(c, 1, Page(None, DEBUG, 0, -1))

        assert [record.message for record in await db.write(work)] == ["9", "5", "0"]

    async def test_any_text_is_kept_as_it_is(self, db: Database) -> None:
        text = "é😀\n\t\x1b[0m 'quoted' \\u0000 %s {x}\r\n" + "x" * 64_000

        def work(c: Connection) -> list[Record]:
            add(c, Record(NOW, Channel.ACTIONS, DEBUG, text))
            return build_records.page(c, 1, Page(None, DEBUG, 0, -1))

        assert await db.write(work) == [Record(NOW, Channel.ACTIONS, DEBUG, text)]

    async def test_old_records_go_and_with_them_what_was_to_be_told_of_them(self, lab: Any) -> None:
        more = "extensions: {post: {module: logs, level: DEBUG}}"
        build = await created(lab, more=more)
        await builds.note(lab, build, [(INFO, str(number)) for number in range(5)])

        def announced(c: Connection) -> int:
            return len(c.execute(announcements.select()).all())

        assert await lab.db.read(announced) == 6
        before = NOW + 99 * SECOND
        assert await lab.db.write(lambda c: build_records.remove_before(c, NOW, 9)) == 0
        assert await lab.db.write(lambda c: build_records.remove_before(c, before, 4)) == 4
        assert (len(await said(lab, build)), await lab.db.read(announced)) == (2, 2)
        assert await lab.db.write(lambda c: build_records.remove_before(c, before, 4)) == 2
        assert (await said(lab, build), await lab.db.read(announced)) == ([], 0)


def add(c: Connection, record: Record, history: int = 1) -> None:
    build_records.add(c, history, history, (), record)


def _allow_retry(c: Connection, job: int) -> None:
    c.exec_driver_sql(f"UPDATE jobs SET retries = 1 WHERE id = {job}")


class TestPages:
    @pytest.fixture
    async def many(self, db: Database) -> Database:
        """Twelve records of one history, message = number, the newest has the highest; and other histories."""

        def work(c: Connection) -> None:
            for number in range(12):
                channel, level = list(Channel)[number % 3], list(Level)[number % 5]
                add(c, Record(NOW + number, channel, level, str(number)))
                add(c, Record(NOW + number, channel, level, "of another"), history=2)

        await db.write(work)
        return db

    async def page(self, db: Database, page: Page) -> list[int]:
        return [int(record.message) for record in await db.read(lambda c: build_records.page(c, 1, page))]

    async def test_a_page_is_a_part_of_what_there_is(self, many: Database) -> None:
        every = list(range(11, -1, -1))
        assert await self.page(many, Page(None, DEBUG, 0, -1)) == every
        assert await self.page(many, Page(None, DEBUG, 0, 5)) == every[:5]
        assert await self.page(many, Page(None, DEBUG, 5, 5)) == every[5:10]
        assert await self.page(many, Page(None, DEBUG, 10, 5)) == every[10:]
        assert await self.page(many, Page(None, DEBUG, 7, -1)) == every[7:]
        assert await self.page(many, Page(None, DEBUG, 12, 5)) == []
        assert await self.page(many, Page(None, DEBUG, 0, 0)) == []

    @pytest.mark.parametrize("level", [-(2**31) + 1, 0, 10, 11, 20, 25, 30, 40, 50, 51, 2**31 - 1])
    async def test_a_level_is_the_least_that_is_shown(self, many: Database, level: int) -> None:
        found = await self.page(many, Page(None, level, 0, -1))
        assert found == [n for n in range(11, -1, -1) if list(Level)[n % 5] >= level]

    async def test_channels_and_levels_are_counted_before_pages(self, many: Database) -> None:
        runs = (Channel.RUN,)
        assert await self.page(many, Page(runs, DEBUG, 0, -1)) == [11, 8, 5, 2]
        assert await self.page(many, Page(runs, INFO, 0, -1)) == [11, 8, 2]
        assert await self.page(many, Page(runs, INFO, 1, 1)) == [8]
        assert await self.page(many, Page((Channel.TEST, Channel.RUN), WARNING, 1, 2)) == [8, 3]

    async def test_pages_of_the_api_are_counted_from_one(self, lab: Any) -> None:
        build = await created(lab)
        await builds.note(lab, build, [(INFO, str(number)) for number in range(1, 25)])

        async def page(**fields: int) -> list[str]:
            found = await build_logs.records(lab, build, Pages(**fields))
            return [record.message for record in found]

        every = [*(str(number) for number in range(24, 0, -1)), "Listening on shop"]
        assert await page() == every[:10]
        assert await page(first=2) == await page(first=2, last=1) == every[10:20]
        assert await page(first=2, last=3) == every[10:]
        assert await page(first=-3, last=0, size=3) == every[:3]
        assert await page(first=3, size=-1) == every
        assert await page(first=2**31 - 1, last=2**31 - 1, size=2**31 - 1) == []
        assert await page(first=1, last=2**31 - 1, size=2**31 - 1) == every

    async def test_runs_alone_are_the_history(self, lab: Any) -> None:
        build, _, task = await running(lab)
        assert await build_logs.last_end(lab, build) is None
        await told(lab, task, noted(0), of_run(1, "Completed 1/1"))
        assert await said(lab, build, runs=True) == [TRIGGERED, "Completed 1/1"]
        last = await build_logs.last_end(lab, build)
        assert last is not None
        assert last.message == "Completed 1/1"
