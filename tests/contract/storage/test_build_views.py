"""How builds stand, and what was said of them, the same on both databases."""

from functools import partial

from lab_rows import NOW, add_nodes, submitted

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.messages import Noted
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import build_records, build_views, builds, tasks
from anyrig.storage.sql.build_views import NEW, Key, Said, Standing, Wanted
from anyrig.storage.sql.builds import Kept


def build(c: Connection, name: str) -> Kept:
    return builds.add(c, Kept(0, name, "shop", 0, b"sealed", None, NOW, "ada"))


def said(
    c: Connection,
    kept: Kept,
    message: str,
    at: int = NOW,
    channel: Channel = Channel.RUN,
    level: Level = Level.INFO,
) -> Record:
    record = Record(at, channel, level, message)
    build_records.add(c, kept.number, kept.history, (), record)
    return record


def run(c: Connection, kept: Kept) -> int:
    """The number of a new job of the build."""
    job = submitted(c, kind="build", tests=(kept.listen_point,), sha="")
    builds.add_job(c, job.number, kept, (), b"sealed")
    return job.number


def page(
    c: Connection,
    kept: Kept,
    *,
    level: int = Level.INFO,
    channel: Channel | None = None,
    limit: int = 100,
    before: Key | None = None,
) -> list[Said]:
    return build_views.page(c, kept.history, Wanted(level, channel, limit, before))


async def test_each_build_stands_by_its_own_last_end_and_runs(db: Database) -> None:
    def work(c: Connection) -> tuple[Kept, Kept, Kept, Record]:
        fresh, busy, gone = build(c, "fresh"), build(c, "busy"), build(c, "gone")
        said(c, busy, "Completed 1/1", NOW + 5)
        last = said(c, busy, "Build failed", NOW + 5, level=Level.ERROR)
        said(c, busy, "Triggered, actions in queue: 1", NOW + 9, level=Level.DEBUG)
        said(c, busy, "Execution failed: Exit code: 1", NOW + 9, Channel.ACTIONS, Level.ERROR)
        builds.forget_spec(c, run(c, busy))
        run(c, busy)
        run(c, busy)
        builds.remove(c, gone.number, NOW)
        return fresh, busy, gone, last

    fresh, busy, gone, last = await db.write(work)
    standing = await db.read(build_views.standing)
    assert standing == {fresh.number: NEW, busy.number: Standing(last, 2)}
    assert await db.read(lambda c: build_views.standing(c, busy.number)) == {busy.number: Standing(last, 2)}
    assert await db.read(lambda c: build_views.standing(c, gone.number)) == {}


async def test_pages_of_records_follow_each_other_though_many_are_of_one_moment(db: Database) -> None:
    def work(c: Connection) -> Kept:
        kept, other = build(c, "kept"), build(c, "other")
        for number in range(7):
            said(c, kept, str(number), NOW + number // 3)
            said(c, other, "of another")
        return kept

    kept = await db.write(work)
    found: list[str] = []
    before: Key | None = None
    while some := await db.read(partial(page, kept=kept, limit=2, before=before)):
        found += [each.record.message for each in some]
        before = some[-1].key
    assert found == ["6", "5", "4", "3", "2", "1", "0"]


async def test_records_are_found_by_level_and_channel(db: Database) -> None:
    def work(c: Connection) -> Kept:
        kept = build(c, "kept")
        said(c, kept, "asked for", level=Level.DEBUG)
        said(c, kept, "made", channel=Channel.TEST)
        said(c, kept, "wrong", channel=Channel.ACTIONS, level=Level.ERROR)
        said(c, kept, "ended")
        return kept

    kept = await db.write(work)

    def messages(c: Connection, level: int, channel: Channel | None = None) -> list[str]:
        return [each.record.message for each in page(c, kept, level=level, channel=channel)]

    assert await db.read(lambda c: messages(c, Level.DEBUG)) == ["ended", "wrong", "made", "asked for"]
    assert await db.read(lambda c: messages(c, Level.INFO)) == ["ended", "wrong", "made"]
    assert await db.read(lambda c: messages(c, Level.ERROR)) == ["wrong"]
    assert await db.read(lambda c: messages(c, Level.DEBUG, Channel.RUN)) == ["ended", "asked for"]


async def test_what_a_node_said_belongs_to_a_job(db: Database) -> None:
    def work(c: Connection) -> tuple[Kept, int]:
        add_nodes(c, "tv1")
        kept = build(c, "kept")
        number = run(c, kept)
        [task] = tasks.of_job(c, number)
        noted = Noted(number=1, channel=Channel.ACTIONS, level=Level.INFO, message="Finished", at=NOW)
        known = builds.job(c, number)
        assert known is not None
        build_records.ingest(c, known, task.number, 1, [noted])
        said(c, kept, "made", NOW - 1)
        return kept, number

    kept, number = await db.write(work)
    found = await db.read(lambda c: page(c, kept))
    assert [(each.record.message, each.job) for each in found] == [("Finished", number), ("made", None)]


async def test_the_last_jobs_of_a_build_come_first_and_no_others(db: Database) -> None:
    def work(c: Connection) -> tuple[Kept, list[int]]:
        kept, other = build(c, "kept"), build(c, "other")
        numbers = [run(c, kept) for _ in range(3)]
        run(c, other)
        return kept, numbers

    kept, numbers = await db.write(work)
    jobs = await db.read(lambda c: build_views.jobs_of(c, kept.history, 2))
    assert [job.number for job in jobs] == [numbers[2], numbers[1]]
