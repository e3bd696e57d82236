"""The whole way from a record in a real database to those who are told, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from post_box import Post, PostBox
from sqlalchemy import func, select, text

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BuildConfig
from anyrig.core.errors import NotFound
from anyrig.core.extensions import read_all
from anyrig.engine.announcing.base import ANNOUNCEMENTS, Around
from anyrig.engine.announcing.loop import run
from anyrig.engine.announcing.pace import Pace
from anyrig.engine.builds import listeners
from anyrig.engine.clock import utc_now
from anyrig.engine.waiting import Waiters
from anyrig.storage import Connection
from anyrig.storage.database import Database, open_database
from anyrig.storage.schema_builds import announcements
from anyrig.storage.sql import build_records, builds
from anyrig.storage.sql.build_records import Page

PACE = Pace(first_pause=0.001, longest_pause=0.01, look_again=3600.0)
"""Whoever is not woken sleeps for longer than any test waits."""
PATIENT = replace(PACE, first_pause=3600.0, longest_pause=3600.0)
EVERYTHING = Page(None, 0, 0, -1)


@dataclass(frozen=True)
class Build:
    """As much as is asked of one."""

    number: int
    history: int
    listen_point: str
    project: str
    config: BuildConfig


@dataclass
class Rig:
    """A server's part in it."""

    db: Database
    around: Around
    waiters: Waiters = field(default_factory=Waiters)
    series: int = 7
    now: Callable[[], int] = utc_now
    builds: dict[int, Build] = field(default_factory=dict)

    async def numbered(self, number: int) -> Build:
        if number not in self.builds:
            raise NotFound(what="build", name=number)
        return self.builds[number]

    async def build(self, listen_point: str = "shop", **extensions: dict[str, Any]) -> Build:
        config = BuildConfig(listen_point, "builds", extensions=read_all(extensions, listen_point))
        new = builds.Kept(0, listen_point, "builds", 0, b"", None, 0, "ada")
        kept = await self.db.write(lambda c: builds.add(c, new))
        self.builds[kept.number] = Build(kept.number, kept.history, listen_point, "builds", config)
        return self.builds[kept.number]

    async def say(
        self, build: Build, *messages: str, channel: Channel = Channel.RUN, at: int | None = None
    ) -> None:
        when, heard = self.now() if at is None else at, listeners(build.config)

        def work(c: Connection) -> None:
            for message in messages:
                said = Record(when, channel, Level.WARNING, message)
                build_records.add(c, build.number, build.history, heard, said)

        await self.db.write(work)
        self.waiters.wake(ANNOUNCEMENTS)

    async def log(self, build: Build) -> list[tuple[Channel, Level, str]]:
        """The build's own, the oldest first, without what the test has said."""
        said = await self.db.read(lambda c: build_records.page(c, build.history, EVERYTHING))
        return [
            (each.channel, each.level, each.message) for each in reversed(said) if each.level is Level.ERROR
        ]

    async def left(self) -> int:
        counted = select(func.count()).select_from(announcements)
        return int(await self.db.read(lambda c: c.execute(counted).scalar_one()))

    async def until_left(self, count: int) -> None:
        async with asyncio.timeout(30):
            while True:
                with self.waiters.waiting(ANNOUNCEMENTS) as wait:
                    if await self.left() == count:
                        return
                    await wait(1.0)

    @asynccontextmanager
    async def running(self, pace: Pace = PACE) -> AsyncIterator[asyncio.Task[None]]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(run(self, self.numbered, self.around, pace, lambda: 0.5))
            yield task
            task.cancel()


@pytest.fixture
def rig(db: Database, tmp_path: Path) -> Rig:
    return Rig(db, Around(tmp_path / "logs"))


def hook(box: PostBox, path: str = "/hook", **options: Any) -> dict[str, Any]:
    return {"module": "webhooks", "url": box.url(path), "level": "DEBUG", **options}


def file_log(**options: Any) -> dict[str, Any]:
    return {"module": "file_logs", "format": "%(name)s: %(message)s", **options}


def deliveries(posts: list[Post]) -> list[str]:
    return [post.headers["x-anyrig-delivery"] for post in posts]


async def test_what_is_said_is_told_by_everybody_who_wants_to(rig: Rig) -> None:
    async with PostBox() as box:
        build = await rig.build(hook=hook(box), other=hook(box, "/other", level="ERROR"), file=file_log())
        async with rig.running():
            await rig.say(build, "Executing", channel=Channel.ACTIONS)
            await rig.say(build, "Partially completed: 1/2")
            await rig.until_left(0)
    (post,) = box.posts
    assert b"Partially completed: 1/2" in post.body
    assert deliveries(box.posts)[0].startswith("7-")
    expected = "shop.exec: Executing\nshop.build: Partially completed: 1/2\n"
    assert (rig.around.logs / "shop.log").read_text() == expected
    assert await rig.log(build) == []


async def test_what_was_said_while_no_server_was_there_is_told_by_the_next(rig: Rig) -> None:
    build = await rig.build(file=file_log())
    await rig.say(build, *"abc")
    async with rig.running():
        await rig.until_left(0)
    assert (rig.around.logs / "shop.log").read_text().split() == [
        word for letter in "abc" for word in ("shop.build:", letter)
    ]


async def test_an_extension_keeps_its_order_while_it_is_tried_again_and_holds_nobody_up(rig: Rig) -> None:
    async with PostBox(503, 503, 200) as slow, PostBox() as quick:
        build = await rig.build(slow=hook(slow), quick=hook(quick))
        await rig.say(build, "one", "two", "three")
        async with rig.running():
            await rig.until_left(0)
    said = [post.body.decode().rpartition(": ")[2] for post in slow.posts]
    assert said == ['"one"}', '"one"}', '"one"}', '"two"}', '"three"}']
    assert len(set(deliveries(slow.posts[:3]))) == 1
    assert len(set(deliveries(slow.posts))) == 3
    assert len(quick.posts) == 3
    assert await rig.log(build) == []


async def test_a_receiver_that_never_answers_holds_nobody_up(rig: Rig) -> None:
    async with PostBox(None) as deaf, PostBox() as quick:
        build, other = (
            await rig.build(deaf=hook(deaf), quick=hook(quick)),
            await rig.build("blog", deaf=hook(deaf), quick=hook(quick)),
        )
        async with rig.running():
            await rig.say(build, "one", "two")
            await rig.say(other, "three")
            await quick.until(3)
            assert len(await deaf.until(2)) == 2


async def test_who_never_answers_is_left_after_a_time_and_tried_again(rig: Rig) -> None:
    async with PostBox(None, 200) as box:
        build = await rig.build(hook=hook(box))
        await rig.say(build, "one")
        async with rig.running(replace(PACE, deadline=0.2)):
            await rig.until_left(0)
    assert len(deliveries(box.posts)) == 2
    assert len(set(deliveries(box.posts))) == 1


async def test_a_refusal_for_ever_is_written_down_and_told_by_the_others(rig: Rig) -> None:
    async with PostBox(404, 200) as box:
        secret = hook(box, "/services/T0PS3CRET", secret="hunter2")
        build = await rig.build(hook=secret, file=file_log())
        async with rig.running(PATIENT):
            await rig.say(build, "one", "two")
            await rig.until_left(0)
    sentence = "Could not tell hook: 127.0.0.1 answered 404"
    assert await rig.log(build) == [(Channel.TEST, Level.ERROR, sentence)]
    assert len(box.posts) == 2
    lines = (rig.around.logs / "shop.log").read_text().splitlines()
    assert sorted(lines) == sorted(["shop.build: one", "shop.build: two", f"shop: {sentence}"])


async def test_patience_ends_and_the_next_gets_its_chance(rig: Rig) -> None:
    async with PostBox(503, 503, 503, 200) as box:
        build = await rig.build(hook=hook(box))
        await rig.say(build, "one", "two")
        async with rig.running(replace(PACE, patience=0.0, fewest_tries=3)):
            await rig.until_left(0)
    assert await rig.log(build) == [
        (Channel.TEST, Level.ERROR, "Could not tell hook: 127.0.0.1 answered 503")
    ]
    assert len(box.posts) == 4


async def test_what_is_tried_again_later_is_not_tried_at_once(rig: Rig) -> None:
    async with PostBox(503) as box, PostBox() as other:
        build = await rig.build(hook=hook(box), other=hook(other))
        async with rig.running(PATIENT):
            await rig.say(build, "one")
            await rig.until_left(1)
            await rig.say(build, "two", "three")
            await rig.until_left(3)
    assert (len(box.posts), len(other.posts)) == (1, 3)


async def test_two_files_that_cannot_be_written_do_not_talk_about_each_other_for_ever(rig: Rig) -> None:
    build = await rig.build(a=file_log(path="/etc"), b=file_log(path="/usr"))
    async with rig.running():
        await rig.say(build, "one")
        await rig.until_left(0)
    said = [message.partition(":")[0] for _, _, message in await rig.log(build)]
    assert sorted(said) == ["Could not tell a"] * 2 + ["Could not tell b"] * 2


async def test_a_build_that_cannot_be_read_is_tried_again_and_given_up_in_the_end(rig: Rig) -> None:
    build = await rig.build(file=file_log())
    await rig.say(build, "one")
    known = rig.builds.pop(build.number)
    async with rig.running(replace(PACE, patience=0.0)):
        await rig.until_left(0)
    assert await rig.log(known) == [
        (Channel.TEST, Level.ERROR, "Could not tell file: NotFound on the server")
    ]


async def test_a_record_for_an_extension_that_is_gone_is_dropped(rig: Rig) -> None:
    build = await rig.build(file=file_log())
    await rig.say(build, "one")
    rig.builds[build.number] = Build(
        build.number, build.history, build.listen_point, build.project, BuildConfig("shop", "builds")
    )
    async with rig.running():
        await rig.until_left(0)
    assert await rig.log(build) == []


async def test_a_server_that_is_ended_in_the_middle_loses_nothing(rig: Rig) -> None:
    async with PostBox(None, 200) as box:
        build = await rig.build(hook=hook(box), file=file_log())
        await rig.say(build, "one", "two")
        async with rig.running(replace(PACE, lease=0.001)):
            await box.until(1)
        assert await rig.left() >= 2
        async with rig.running():
            await rig.until_left(0)
    first, again, second = deliveries(box.posts)
    assert first == again != second
    assert (rig.around.logs / "shop.log").read_text().count("one") >= 1


async def test_what_a_server_died_with_is_not_told_before_its_lease_is_over(rig: Rig) -> None:
    async with PostBox(None, 200) as box:
        await rig.say(await rig.build(hook=hook(box)), "one", "two")
        async with rig.running(replace(PACE, lease=3600.0)):
            await box.until(1)
        await rig.say(await rig.build("blog", file=file_log()), "three")
        async with rig.running():
            await rig.until_left(2)
        assert len(box.posts) == 1


async def test_two_servers_tell_each_thing_once(rig: Rig, database_url: str) -> None:
    async with PostBox() as box, open_database(database_url) as same:
        other = Rig(same, rig.around, builds=rig.builds)
        for name in "abcdef":
            build = await rig.build(name, hook=hook(box, f"/{name}"))
            await rig.say(build, *(str(number) for number in range(10)))
        async with rig.running(), other.running():
            await rig.until_left(0)
    assert len(box.posts) == len(set(deliveries(box.posts))) == 60
    for name in "abcdef":
        said = [post.body.decode() for post in box.posts if post.path == f"/{name}"]
        assert [text.rpartition(": ")[2] for text in said] == [f'"{number}"}}' for number in range(10)]


async def test_a_database_that_fails_for_a_while_is_looked_at_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    build = await rig.build(file=file_log())
    await rig.say(build, "one")
    await rig.db.write(lambda c: c.execute(text("ALTER TABLE announcements RENAME TO away")))
    async with asyncio.timeout(30), rig.running(replace(PACE, look_again=0.01)):
        while "cannot be looked at" not in caplog.text:
            with rig.waiters.waiting(ANNOUNCEMENTS) as wait:
                await wait(0.01)
        await rig.db.write(lambda c: c.execute(text("ALTER TABLE away RENAME TO announcements")))
        await rig.until_left(0)
    assert (rig.around.logs / "shop.log").read_text() == "shop.build: one\n"


async def test_no_more_is_told_at_once_than_the_pace_allows(rig: Rig) -> None:
    begun = select(func.count()).select_from(announcements).where(announcements.c.tries > 0)
    async with PostBox(None) as deaf:
        for name in "abcd":
            await rig.say(await rig.build(name, hook=hook(deaf)), "one")
        async with rig.running(replace(PACE, at_once=2)):
            await deaf.until(2)
            assert await rig.db.read(lambda c: c.execute(begun).scalar_one()) == 2
        async with rig.running(replace(PATIENT, at_once=1, deadline=0.1)):
            await deaf.until(4)


async def test_a_server_that_is_ended_lets_go_what_waits_behind(rig: Rig) -> None:
    async with PostBox() as box:
        build = await rig.build(hook=hook(box))
        await rig.say(build, *map(str, range(500)))
        async with asyncio.timeout(10), rig.running() as task:
            await box.until(1)
            rig.waiters.close()
            await task
    assert await rig.left() > 0


async def test_a_server_that_is_about_to_end_begins_nothing_more(rig: Rig) -> None:
    build = await rig.build(file=file_log())
    rig.waiters.close()
    await rig.say(build, "one")
    async with asyncio.timeout(10), rig.running() as task:
        await task
    assert await rig.left() == 1
