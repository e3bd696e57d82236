"""Runs of builds are asked for, by people and by webhooks; the same on both databases."""

import asyncio
from typing import Any

import pytest
from build_rows import ADA, begun, created, lab_of, said, task_of, told, triggered, with_node
from lab_rows import NOW, finished, the_end

from anyrig.core.build_spec import Source
from anyrig.core.errors import Forbidden, NotFound
from anyrig.core.jobs import State
from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine import build_runs, builds
from anyrig.engine.build_runs import MOST_WAITING, QueueFull, Removed, Replayed, Wanted
from anyrig.engine.known_builds import Build
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.schema import jobs as jobs_table
from anyrig.storage.schema_builds import build_jobs
from anyrig.storage.sql import build_deliveries, jobs
from anyrig.storage.sql import builds as sql


@pytest.fixture
def lab(db: Database) -> Any:
    return lab_of(db)


async def waiting(lab: Any, build: int) -> int:
    return int(await lab.db.read(lambda c: sql.waiting(c, build)))


async def state(lab: Any, job: Job) -> State:
    return (await task_of(lab, job)).state


class TestAsking:
    async def test_a_run_waits_for_those_of_its_build_that_came_before(self, lab: Any) -> None:
        await with_node(lab, "n1", "n2")
        shop, blog = await created(lab), await created(lab, "blog")
        first, second, other = [await triggered(lab, each) for each in (shop, shop, blog)]
        assert [await state(lab, each) for each in (first, second, other)] == [
            State.PLACED,
            State.QUEUED,
            State.PLACED,
        ]
        assert (await waiting(lab, shop.number), await waiting(lab, blog.number)) == (2, 1)
        await told(lab, await begun(lab, first), finished(test="shop"), the_end())
        assert await state(lab, second) is State.PLACED
        assert (await waiting(lab, shop.number), await waiting(lab, blog.number)) == (1, 1)

    async def test_too_many_waiting_runs_are_refused(self, lab: Any) -> None:
        build = await created(lab)
        job = await triggered(lab, build)

        def many(c: Connection) -> None:
            """As the one that is there."""
            row = c.execute(jobs_table.select().where(jobs_table.c.id == job.number)).one()._asdict()
            run = c.execute(build_jobs.select()).one()._asdict()
            numbers = range(job.number + 1000, job.number + 1000 + MOST_WAITING - 1)
            c.execute(jobs_table.insert(), [row | {"id": each, "uid": f"/any/{each}"} for each in numbers])
            c.execute(build_jobs.insert(), [run | {"job": each} for each in numbers])

        await lab.db.write(many)
        assert await waiting(lab, build.number) == MOST_WAITING
        with pytest.raises(QueueFull, match=r"^10000 runs of shop wait already; try again later$"):
            await triggered(lab, build, "d-1")
        assert await waiting(lab, build.number) == MOST_WAITING
        assert len(await said(lab, build)) == 2
        await triggered(lab, await created(lab, "blog"))

    async def test_a_viewer_asks_for_no_run_and_neither_does_a_token_of_another_project(
        self, lab: Any
    ) -> None:
        build = await created(lab)
        for who in (
            Principal("vic", Role.VIEWER, "t"),
            Principal("olga", Role.OPERATOR, "t", frozenset({"tv"})),
        ):
            with pytest.raises(Forbidden):
                await build_runs.trigger(lab, who, build, Wanted(Source.TRIGGER, {}))
        assert await waiting(lab, build.number) == 0

    async def test_a_build_that_was_removed_meanwhile_is_not_run(self, lab: Any) -> None:
        build = await created(lab)
        await builds.remove(lab, ADA, "shop")
        with pytest.raises(Removed):
            await triggered(lab, build)
        anew = await created(lab)
        with pytest.raises(Removed):
            await triggered(lab, build)
        assert await lab.db.read(lambda c: jobs.page(c, 10)) == []
        await triggered(lab, anew)


class TestAskingByName:
    async def asked(self, lab: Any, name: str = "shop", who: Principal = ADA) -> tuple[Build, Job]:
        return await build_runs.trigger_at(lab, who, name, Wanted(Source.TRIGGER, {}))

    async def test_a_run_is_of_the_build_that_listens_there_now(self, lab: Any) -> None:
        old = await created(lab)
        for _ in range(2):
            build, _ = await self.asked(lab)
            assert build.number == old.number
        await builds.remove(lab, ADA, "shop")
        with pytest.raises(NotFound, match=r"^There is no build 'shop'\.$"):
            await self.asked(lab)
        new = await created(lab)
        build, job = await self.asked(lab)
        assert build.number == new.number
        assert (await waiting(lab, old.number), await waiting(lab, new.number)) == (2, 1)
        assert job.tests == ("shop",)

    async def test_another_server_may_have_removed_it_and_made_it_anew(self, db: Database) -> None:
        here, there = lab_of(db), lab_of(db)
        await created(here)
        await self.asked(here)
        await builds.remove(there, ADA, "shop")
        new = await created(there, more="params: {a: b}")
        build, _ = await self.asked(here)
        assert (build.number, build.config.params) == (new.number, {"a": "b"})
        await builds.remove(there, ADA, "shop")
        with pytest.raises(NotFound):
            await self.asked(here)

    async def test_it_is_not_there_for_a_token_of_another_project(self, lab: Any) -> None:
        await created(lab)
        await self.asked(lab)
        for role in (Role.OPERATOR, Role.ADMIN):
            with pytest.raises(NotFound):
                await self.asked(lab, who=Principal("olga", role, "t", frozenset({"tv"})))
        with pytest.raises(Forbidden):
            await self.asked(lab, who=Principal("vic", Role.VIEWER, "t"))


class TestDeliveries:
    async def test_a_webhook_is_taken_once(self, lab: Any) -> None:
        shop, blog = await created(lab), await created(lab, "blog")
        await triggered(lab, shop, "d-1", "d-1 main")
        for again in (("d-1",), ("d-2", "d-1 main"), ("d-1", "d-3")):
            with pytest.raises(Replayed):
                await triggered(lab, shop, *again)
        await triggered(lab, blog, "d-1")
        await triggered(lab, shop, "d-2", "d-3")
        await triggered(lab, shop)
        await triggered(lab, shop)
        assert (await waiting(lab, shop.number), await waiting(lab, blog.number)) == (4, 1)

    async def test_an_id_may_be_there_twice(self, lab: Any) -> None:
        await triggered(lab, await created(lab), "d-1", "d-1")

    async def test_of_many_who_bring_the_same_webhook_at_once_one_is_taken(self, lab: Any) -> None:
        build = await created(lab)
        answers = await asyncio.gather(
            *(triggered(lab, build, "d-1", f"d-1 {number}") for number in range(10)), return_exceptions=True
        )
        assert sum(isinstance(answer, Job) for answer in answers) == 1
        assert sum(isinstance(answer, Replayed) for answer in answers) == 9
        assert await waiting(lab, build.number) == 1

    async def test_old_ones_are_forgotten(self, lab: Any) -> None:
        build = await created(lab)

        def work(c: Connection) -> list[bool | int]:
            remember, forget = build_deliveries.remember, build_deliveries.forget_before
            return [
                remember(c, build.number, ["a"], NOW),
                remember(c, build.number, ["b"], NOW + 1),
                forget(c, NOW),
                remember(c, build.number, ["a"], NOW + 2),
                forget(c, NOW + 1),
                remember(c, build.number, ["b"], NOW + 2),
                remember(c, build.number, ["a"], NOW + 2),
                remember(c, build.number, [], NOW + 2),
            ]

        assert await lab.db.write(work) == [True, True, 0, False, 1, False, True, True]
