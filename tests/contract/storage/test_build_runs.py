"""Runs of builds: asked for, told to their node, and over; the same on both databases."""

import asyncio
from typing import Any

import pytest
from build_rows import (
    ADA,
    LATER,
    TRIGGERED,
    begun,
    created,
    ending,
    lab_of,
    lost,
    noted,
    running,
    said,
    task_of,
    told,
    triggered,
    with_node,
)
from lab_rows import NOW, add_nodes, finished, ingested, submitted, the_end

from anyrig.core.build_records import BUILD_FAILED, Level
from anyrig.core.build_spec import Source, Value, heard
from anyrig.core.jobs import State
from anyrig.core.messages import AcceptRequest, CaseStarted, TaskFinished, TaskSpec
from anyrig.core.records import Job
from anyrig.core.results import Verdict
from anyrig.engine import accept, build_runs, builds, stop
from anyrig.engine.build_runs import End
from anyrig.engine.outgoing import Ended
from anyrig.engine.seals import Seal
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.schema import jobs as jobs_table
from anyrig.storage.schema_builds import build_jobs
from anyrig.storage.sql import builds as sql
from anyrig.storage.sql import results, tasks

INFO, WARNING, ERROR = Level.INFO, Level.WARNING, Level.ERROR
SECRET = "hunter2secret"


@pytest.fixture
def lab(db: Database) -> Any:
    return lab_of(db)


async def reasons(lab: Any, job: Job) -> list[tuple[Verdict, str | None]]:
    found: list[tuple[Verdict, str | None]] = await lab.db.read(lambda c: results.reasons_of(c, job.number))
    return found


async def waiting(lab: Any, build: int) -> int:
    return int(await lab.db.read(lambda c: sql.waiting(c, build)))


async def state(lab: Any, job: Job) -> State:
    return (await task_of(lab, job)).state


class TestEnds:
    async def test_a_run_ends_as_its_node_said(self, lab: Any) -> None:
        build, job, task = await running(lab)
        await told(lab, task, CaseStarted(seq=0, test="shop", at=NOW, log_offset=0), noted(0, "Finished"))
        assert await build_runs.end_of(lab, job) is None
        ended = await told(lab, task, ending(1, "Completed 1/1"), finished(test="shop"), the_end())
        assert ended == [Ended(job.uid, is_build=True, said=(INFO, "Completed 1/1"))]
        assert await build_runs.end_of(lab, job) == End(INFO, "Completed 1/1")
        assert (await said(lab, build))[1:] == [TRIGGERED, "Finished", "Completed 1/1"]

    async def test_the_first_word_about_the_end_stands(self, lab: Any) -> None:
        _, job, task = await running(lab)
        await told(lab, task, ending(0, "asked for", Level.DEBUG), ending(1, BUILD_FAILED, ERROR))
        await told(lab, task, ending(1, BUILD_FAILED, ERROR), ending(2, "Completed 1/1"))
        assert await build_runs.end_of(lab, job) == End(ERROR, BUILD_FAILED)
        ended = await told(lab, task, finished(test="shop"), the_end())
        assert ended == [Ended(job.uid, is_build=True, said=(ERROR, BUILD_FAILED))]

    async def test_a_run_whose_node_was_lost_has_failed_and_says_why(self, lab: Any) -> None:
        build, job, task = await running(lab)
        await told(lab, task, CaseStarted(seq=0, test="shop", at=NOW, log_offset=0), noted(0, "Executing"))
        running_task = await task_of(lab, job)
        ended = await lost(lab, running_task, "Node lost: n1 was not heard of for 9 s.")
        assert ended == [Ended(job.uid, is_build=True, said=(ERROR, BUILD_FAILED))]
        why = "Node lost: n1 was not heard of for 9 s. The test was running."
        assert (await said(lab, build))[2:] == ["Executing", f"Execution failed: {why}", BUILD_FAILED]
        assert await build_runs.end_of(lab, job) == End(ERROR, BUILD_FAILED)
        assert await reasons(lab, job) == [(Verdict.ERROR, why)]
        assert await said(lab, build, WARNING, runs=True) == [BUILD_FAILED]

    async def test_so_has_one_whose_node_never_began(self, lab: Any) -> None:
        build, job, task = await running(lab)
        await lost(lab, task)
        why = "Execution failed: Node lost. The test had not started."
        assert (await said(lab, build))[2:] == [why, BUILD_FAILED]
        assert await lost(lab, task) == []
        assert len(await said(lab, build)) == 4
        assert await build_runs.end_of(lab, job) == End(ERROR, BUILD_FAILED)

    async def test_a_run_that_said_its_end_before_its_node_was_lost_says_no_other(self, lab: Any) -> None:
        build, job, task = await running(lab)
        await told(lab, task, ending(0, "Partially completed: 1/2", WARNING))
        ended = await lost(lab, task)
        assert ended == [Ended(job.uid, is_build=True, said=(WARNING, "Partially completed: 1/2"))]
        assert (await said(lab, build))[2:] == ["Partially completed: 1/2"]

    async def test_a_run_that_is_stopped_while_it_waits_has_failed_and_says_who_did_it(
        self, lab: Any
    ) -> None:
        build = await created(lab)
        job = await triggered(lab, build)
        _, on_nodes, follows = await lab.db.write(lambda c: stop._stop(c, ADA, job.uid, LATER))
        assert on_nodes == []
        assert follows.ended == [Ended(job.uid, is_build=True, said=(ERROR, BUILD_FAILED))]
        why = "Stopped by ada before it started."
        assert await reasons(lab, job) == [(Verdict.ERROR, why)]
        assert (await said(lab, build))[2:] == [f"Execution failed: {why}", BUILD_FAILED]
        assert (await state(lab, job), await waiting(lab, build.number)) == (State.STOPPED, 0)

    async def test_a_run_without_actions_passes_and_says_nothing(self, lab: Any) -> None:
        await with_node(lab, "n1")
        build = await builds.create(lab, ADA, "id: shop", lambda _config: None)
        job = await triggered(lab, build)
        task = await begun(lab, job)
        ended = await told(lab, task, finished(test="shop"), the_end())
        assert ended == [Ended(job.uid, is_build=True, said=None)]
        assert await build_runs.end_of(lab, job) is None
        assert (await said(lab, build))[1:] == ["Triggered, actions in queue: 0"]
        assert await reasons(lab, job) == [(Verdict.PASS, None)]
        assert await waiting(lab, build.number) == 0

    async def test_a_run_without_a_result_has_failed(self, lab: Any) -> None:
        build, job, task = await running(lab)
        ended = await told(lab, task, TaskFinished(results=0))
        assert ended == [Ended(job.uid, is_build=True, said=(ERROR, BUILD_FAILED))]
        assert (await said(lab, build))[-1] == BUILD_FAILED
        assert [verdict for verdict, _ in await reasons(lab, job)] == [Verdict.ERROR]

    async def test_what_a_node_says_of_jobs_of_other_kinds_is_not_kept(self, db: Database) -> None:
        def work(c: Connection) -> list[Ended]:
            add_nodes(c, "tv1")
            job = submitted(c)
            (task,) = tasks.of_job(c, job.number)
            accept._accept(c, AcceptRequest(task.number, "tv1", "boot"), NOW)
            follows = ingested(c, task.number, "tv1", ending(0, "Completed"), finished(), the_end())
            assert follows.ended == [Ended(job.uid)]
            return follows.ended

        assert await db.write(work)


class TestOrders:
    async def order(self, lab: Any, job: Job) -> TaskSpec:
        task = await task_of(lab, job)
        reply = await accept.accept(lab, AcceptRequest(task.number, "n1", "boot"))
        assert reply.spec is not None
        return reply.spec

    async def test_a_node_is_told_all_of_it_and_the_job_keeps_no_secret(self, lab: Any) -> None:
        await with_node(lab, "n1")
        more = f"params: {{db_password: {SECRET}, level: 1}}\nsecret_params: [pin]"
        build = await created(lab, more=more)
        job = await triggered(lab, build, pin=f"{SECRET}-2", branch="main")
        spec = await self.order(lab, job)
        assert heard(spec.params, spec.secrets).values == {
            "db_password": Value(Source.CONFIG, SECRET),
            "level": Value(Source.CONFIG, 1),
            "pin": Value(Source.TRIGGER, f"{SECRET}-2"),
            "branch": Value(Source.TRIGGER, "main"),
        }
        assert (spec.trouble, spec.tests, spec.pack_url) == ("", ("shop",), "")
        assert (job.params, job.branch) == ({"pin": "********", "branch": "main"}, "main")

    async def test_nothing_secret_is_in_the_database_in_clear(self, lab: Any) -> None:
        await with_node(lab, "n1")
        build = await created(lab, more=f"params: {{password: {SECRET}}}")
        await triggered(lab, build, token=SECRET)

        def rows(c: Connection) -> str:
            every = [*c.execute(build_jobs.select()), *c.execute(jobs_table.select())]
            every += c.exec_driver_sql("SELECT * FROM builds").all()
            return repr([tuple(row) for row in every])

        assert SECRET not in await lab.db.read(rows)

    async def test_a_node_that_asks_again_is_told_again(self, lab: Any) -> None:
        await with_node(lab, "n1")
        job = await triggered(lab, await created(lab), a="b")
        assert await self.order(lab, job) == await self.order(lab, job)

    async def test_with_another_key_the_run_cannot_be_told_and_says_so(self, lab: Any) -> None:
        await with_node(lab, "n1")
        job = await triggered(lab, await created(lab))
        lab.seal = Seal(bytes(31) + b"x")
        spec = await self.order(lab, job)
        assert "was encrypted with another secret key" in spec.trouble
        assert spec.params == job.params

    async def test_a_run_that_is_over_is_told_no_more(self, lab: Any) -> None:
        build, job, task = await running(lab)
        spec = await self.order(lab, job)
        await told(lab, task, finished(test="shop"), the_end())
        run = await lab.db.read(lambda c: sql.job(c, job.number))
        assert (run.sealed, run.build) == (None, build.number)
        assert build_runs.with_order(lab, spec, run).trouble == "The run is over."


class TestWaiting:
    async def test_who_waits_is_told_of_the_end_here_or_by_the_database(self, lab: Any) -> None:
        _, job, task = await running(lab)
        assert not await build_runs.wait_for_end(lab, ADA, job, 0)
        (ended,) = await told(lab, task, ending(0, "Completed 1/1"), finished(test="shop"), the_end())
        assert await build_runs.wait_for_end(lab, ADA, job, 0)
        assert await build_runs.end_of(lab, job) == End(INFO, "Completed 1/1")
        lab.builds.ended(job.uid, ended.said)
        assert await build_runs.wait_for_end(lab, ADA, job, 60)
        assert await build_runs.end_of(lab, job) == End(INFO, "Completed 1/1")

    async def test_who_waits_already_is_woken(self, lab: Any) -> None:
        _, job, _ = await running(lab)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            waits = group.create_task(build_runs.wait_for_end(lab, ADA, job, 60))
            while job.uid not in lab.waiters.topics():  # noqa: ASYNC110 - the next turn of the loop
                await asyncio.sleep(0)
            lab.builds.ended(job.uid, None)
            lab.waiters.wake(job.uid)
        assert waits.result()
        assert await build_runs.end_of(lab, job) is None
