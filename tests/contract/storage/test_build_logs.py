"""What is said of builds: kept once, and found page by page, the same on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from build_rows import (
    ADA,
    LATER,
    LISTENING,
    TRIGGERED,
    begun,
    created,
    ending,
    lab_of,
    lost,
    noted,
    running,
    said,
    told,
    triggered,
)
from lab_rows import NOW
from sqlalchemy import text

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.errors import NotFound
from anyrig.core.retention import DAY, Rules
from anyrig.core.users import Principal, Role
from anyrig.engine import build_logs, build_upkeep, builds
from anyrig.engine.build_logs import Pages
from anyrig.engine.retention import Kept
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.objects_files import FileObjects
from anyrig.storage.schema_builds import announcements, build_deliveries
from anyrig.storage.sql import build_records
from anyrig.storage.sql.build_records import Page

DEBUG, INFO, WARNING = Level.DEBUG, Level.INFO, Level.WARNING
EVERYTHING = Page(None, DEBUG, 0, -1)
LARGEST = 2**31 - 1


@pytest.fixture
def lab(db: Database) -> Any:
    return lab_of(db)


def add(c: Connection, record: Record, history: int = 1) -> None:
    build_records.add(c, history, history, (), record)


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
        assert await said(lab, build) == [LISTENING, TRIGGERED, "0", "1", "2", "3", "4"]

    async def test_a_later_attempt_counts_anew_and_an_earlier_one_is_not_believed_any_more(
        self, lab: Any
    ) -> None:
        build, job, first = await running(lab)
        await told(lab, first, noted(0, "first"))
        await lab.db.write(lambda c: c.execute(text(f"UPDATE jobs SET retries = 1 WHERE id = {job.number}")))
        assert await lost(lab, first) == []
        second = await begun(lab, job)
        assert second.attempt == 2
        await told(lab, first, noted(1, "late"))
        for _ in range(2):
            await told(lab, second, noted(0, "second"))
        assert (await said(lab, build))[2:] == ["first", "second"]

    async def test_what_no_node_said_may_be_said_again(self, lab: Any) -> None:
        build = await created(lab)
        for _ in range(2):
            await builds.note(lab, build, [(INFO, "Valid payload received")])
        assert await said(lab, build) == [LISTENING, *["Valid payload received"] * 2]

    async def test_of_one_moment_what_was_said_later_is_the_newer(self, db: Database) -> None:
        def work(c: Connection) -> list[Record]:
            for number in range(30):
                add(c, Record(NOW + number // 10, Channel.RUN, INFO, str(number)))
            return build_records.page(c, 1, EVERYTHING)

        assert [record.message for record in await db.write(work)] == [str(n) for n in range(29, -1, -1)]

    async def test_what_comes_late_stands_where_it_was_said(self, db: Database) -> None:
        def work(c: Connection) -> list[Record]:
            for after in (5, 0, 9):
                add(c, Record(NOW + after, Channel.RUN, INFO, str(after)))
            return build_records.page(c, 1, EVERYTHING)

        assert [record.message for record in await db.write(work)] == ["9", "5", "0"]

    async def test_any_text_is_kept_as_it_is(self, db: Database) -> None:
        record = Record(
            NOW, Channel.ACTIONS, DEBUG, "é😀\n\t\x1b[0m 'x' \\u0000 %s {x} :y\r\n " + "x" * 64_000
        )

        def work(c: Connection) -> list[Record]:
            add(c, record)
            return build_records.page(c, 1, EVERYTHING)

        assert await db.write(work) == [record]

    async def test_old_records_go_and_with_them_what_was_to_be_told_of_them(self, lab: Any) -> None:
        build = await created(lab, more="extensions: {file: {module: logs, level: DEBUG}}")
        await builds.note(lab, build, [(INFO, str(number)) for number in range(5)])

        async def left() -> tuple[int, int]:
            owed = await lab.db.read(lambda c: len(c.execute(announcements.select()).all()))
            return len(await said(lab, build)), owed

        async def remove(before: int) -> int:
            return int(await lab.db.write(lambda c: build_records.remove_before(c, before, 4)))

        assert (await remove(NOW), await left()) == (0, (6, 6))
        assert (await remove(LATER), await left()) == (4, (2, 2))
        assert (await remove(LATER), await left()) == (2, (0, 0))
        assert await remove(LATER) == 0

    async def test_what_is_old_goes_by_the_rule_for_results(self, lab: Any, tmp_path: Path) -> None:
        old, new = await created(lab), await created(lab, "new")
        await triggered(lab, old, "d-1")
        await builds.remove(lab, ADA, "shop")
        await lab.db.write(
            lambda c: add(c, Record(NOW + 100 * DAY, Channel.TEST, INFO, "young"), new.kept.history)
        )

        def kept(age: int | None) -> Kept:
            return Kept(lab.db, FileObjects(tmp_path), Rules(age=age), lambda: NOW + 100 * DAY)

        assert await build_upkeep.tidy(kept(None)) == 0
        assert await said(lab, new) == ["Listening on new", "young"]
        assert await build_upkeep.tidy(kept(DAY)) == 4
        assert await said(lab, new) == ["young"]
        assert (await builds.find(lab, ADA, "new")).text == new.text
        with pytest.raises(NotFound):
            await builds.numbered(lab, old.number)
        remembered = await lab.db.read(lambda c: c.execute(build_deliveries.select()).all())
        assert remembered == []


class TestPages:
    @pytest.fixture
    async def twelve(self, db: Database) -> Database:
        """Records of one history, numbered by the time; each has a twin in another history."""

        def work(c: Connection) -> None:
            for number in range(12):
                channel, level = list(Channel)[number % 3], list(Level)[number % 5]
                add(c, Record(NOW + number, channel, level, str(number)))
                add(c, Record(NOW + number, channel, level, "of another"), history=2)

        await db.write(work)
        return db

    async def page(self, db: Database, page: Page) -> list[int]:
        return [int(record.message) for record in await db.read(lambda c: build_records.page(c, 1, page))]

    async def test_a_page_is_a_part_of_what_there_is(self, twelve: Database) -> None:
        every = list(range(11, -1, -1))
        assert await self.page(twelve, EVERYTHING) == every
        assert await self.page(twelve, Page(None, DEBUG, 0, 5)) == every[:5]
        assert await self.page(twelve, Page(None, DEBUG, 5, 5)) == every[5:10]
        assert await self.page(twelve, Page(None, DEBUG, 10, 5)) == every[10:]
        assert await self.page(twelve, Page(None, DEBUG, 7, -1)) == every[7:]
        assert await self.page(twelve, Page(None, DEBUG, 12, 5)) == []
        assert await self.page(twelve, Page(None, DEBUG, 0, 0)) == []

    async def test_a_level_is_the_least_that_is_shown(self, twelve: Database) -> None:
        for level in (-LARGEST, 0, 10, 11, 20, 25, 30, 40, 50, 51, LARGEST):
            found = await self.page(twelve, Page(None, level, 0, -1))
            assert found == [n for n in range(11, -1, -1) if list(Level)[n % 5] >= level]

    async def test_levels_and_channels_are_chosen_before_pages_are_counted(self, twelve: Database) -> None:
        runs = (Channel.RUN,)
        assert await self.page(twelve, Page(runs, DEBUG, 0, -1)) == [11, 8, 5, 2]
        assert await self.page(twelve, Page(runs, INFO, 0, -1)) == [11, 8, 2]
        assert await self.page(twelve, Page(runs, INFO, 1, 1)) == [8]
        assert await self.page(twelve, Page((Channel.TEST, Channel.RUN), WARNING, 1, 2)) == [8, 3]

    async def test_pages_are_counted_from_one(self, lab: Any) -> None:
        build = await created(lab)
        await builds.note(lab, build, [(INFO, str(number)) for number in range(24)])

        async def page(**fields: int) -> list[str]:
            return [record.message for record in await build_logs.records(lab, build, Pages(**fields))]

        every = [*(str(number) for number in range(23, -1, -1)), LISTENING]
        assert await page() == every[:10]
        assert await page(first=2) == await page(first=2, last=1) == every[10:20]
        assert await page(first=2, last=3) == every[10:]
        assert await page(first=-3, last=0, size=3) == every[:3]
        assert await page(first=3, size=-1) == every
        assert await page(first=LARGEST, last=LARGEST, size=LARGEST) == []
        assert await page(first=1, last=LARGEST, size=LARGEST) == every

    async def test_pages_are_found_by_where_a_build_listens(self, lab: Any) -> None:
        build = await created(lab, more="project: web")
        await builds.note(lab, build, [(INFO, str(number)) for number in range(5)])
        await created(lab, "shop.build")
        web = Principal("olga", Role.VIEWER, "t", frozenset({"web"}))
        for pages in (
            Pages(),
            Pages(first=2, size=2),
            Pages(first=9),
            Pages(size=0),
            Pages(size=-1, level=30),
        ):
            for runs in (False, True):
                found = await build_logs.records_at(lab, web, "shop", pages, runs=runs)
                assert found == await build_logs.records(lab, build, pages, runs=runs)
        for who, name in (
            (ADA, "sho"),
            (web, "shop.build"),
            (Principal("x", Role.ADMIN, "t", frozenset()), "shop"),
        ):
            with pytest.raises(NotFound):
                await build_logs.records_at(lab, who, name, Pages(), runs=False)
        await builds.remove(lab, ADA, "shop")
        with pytest.raises(NotFound):
            await build_logs.records_at(lab, ADA, "shop", Pages(), runs=False)
        await created(lab)
        (only,) = await build_logs.records_at(lab, ADA, "shop", Pages(), runs=False)
        assert only.message == LISTENING

    async def test_what_is_said_of_runs_is_their_history(self, lab: Any) -> None:
        build, _, task = await running(lab)
        assert await build_logs.last_end(lab, build) is None
        await told(lab, task, noted(0, "Finished"), ending(1, "Completed 1/1"), noted(2, "more"))
        assert await said(lab, build, runs=True) == [TRIGGERED, "Completed 1/1"]
        assert await build_logs.last_end(lab, build) == Record(LATER + 1, Channel.RUN, INFO, "Completed 1/1")
