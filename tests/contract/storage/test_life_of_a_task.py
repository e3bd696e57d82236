"""A task's way through the database, the same on both."""

import asyncio

import pytest
from lab_rows import NOW, accepted, add_nodes, finished, ingested, submitted, the_end

from anyrig.core.errors import Invalid, NodeBusy, NodeOffline, NodeTroubled, NotFound
from anyrig.core.jobs import State
from anyrig.core.messages import Artifact, CaseStarted, Presence
from anyrig.core.nodes import OFFLINE_AFTER
from anyrig.core.records import Job
from anyrig.core.results import Verdict
from anyrig.engine.ingest import TooEarly
from anyrig.engine.place import place_waiting
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import jobs, nodes, results, tasks


async def test_a_job_runs_from_its_submission_to_its_result(db: Database) -> None:
    def work(c: Connection) -> Job | None:
        add_nodes(c, "tv1")
        job = submitted(c, node="tv1", tags={"model": "T-1000", "wip": None})
        assert job.uid.startswith("/tv1/")
        assert job.state is State.PLACED
        (task,) = tasks.of_job(c, job.number)
        assert accepted(c, task.number, "tv1") == 1
        file = Artifact("combined.log", 3, "m" * 32, "s" * 64)
        ingested(c, task.number, "tv1", CaseStarted(seq=0, test="x", at=NOW, log_offset=0))
        follows = ingested(c, task.number, "tv1", finished(artifacts=(file,)), the_end())
        assert [one.job_uid for one in follows.ended] == [job.uid]
        return jobs.by_uid(c, job.uid)

    job = await db.write(work)
    assert job is not None
    assert (job.state, job.counts.passed, job.counts.total) == (State.FINISHED, 1, 1)
    detail = await db.read(lambda c: results.detail(c, f"{job.uid}/2023-11-14T22:13:20"))
    assert detail is not None
    assert detail.result.tags == {"model": "T-1000", "wip": None}
    assert detail.result.verdict is Verdict.PASS
    assert [one.name for one in detail.artifacts] == ["combined.log"]


async def test_a_busy_node_refuses_a_second_job_that_will_not_queue(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    await db.write(lambda c: submitted(c, node="tv1"))
    with pytest.raises(NodeBusy, match="Node tv1 is in use: Node tv1 is running job /tv1/"):
        await db.write(lambda c: submitted(c, node="tv1", queue=False))
    assert len(await db.read(lambda c: jobs.page(c, 10))) == 1


async def test_an_offline_or_unknown_node_is_told_apart(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    later = NOW + OFFLINE_AFTER
    with pytest.raises(NodeOffline):
        await db.write(lambda c: submitted(c, node="tv1", queue=False, now=later))
    with pytest.raises(NotFound, match="no node 'tv9'"):
        await db.write(lambda c: submitted(c, node="tv9"))


async def test_a_node_in_trouble_refuses_and_says_what_it_is_unless_it_is_busy_too(db: Database) -> None:
    dark = Presence("boot", "1", "lab", "10.0.0.1", trouble="no video from /dev/video0")
    await db.write(lambda c: add_nodes(c, "tv1", "tv2"))
    await db.write(lambda c: submitted(c, node="tv2"))
    await db.write(lambda c: nodes.seen(c, "tv1", dark, NOW))
    await db.write(lambda c: nodes.seen(c, "tv2", dark, NOW))
    with pytest.raises(NodeTroubled, match=r"^Node tv1: no video from /dev/video0\.$"):
        await db.write(lambda c: submitted(c, node="tv1", queue=False))
    with pytest.raises(NodeBusy, match="Node tv2 is in use: Node tv2 is running job /tv2/"):
        await db.write(lambda c: submitted(c, node="tv2", queue=False))


async def test_a_node_that_never_can_is_not_called_busy(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    with pytest.raises(Invalid, match="Node tv1 does not run tests of kind call"):
        await db.write(lambda c: submitted(c, node="tv1", kind="call", queue=False))


async def test_of_fifty_submitters_racing_for_one_node_one_wins(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    answers = await asyncio.gather(
        *(db.write(lambda c: submitted(c, node="tv1", queue=False)) for _ in range(50)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert sum(isinstance(answer, NodeBusy) for answer in answers) == 49


async def test_a_queued_job_goes_to_the_node_when_it_is_free_again(db: Database) -> None:
    def work(c: Connection) -> tuple[Job | None, list[int]]:
        add_nodes(c, "tv1")
        first, second = submitted(c), submitted(c)
        (task,) = tasks.of_job(c, first.number)
        assert "is running job" in tasks.of_job(c, second.number)[0].reason
        accepted(c, task.number, "tv1")
        follows = ingested(c, task.number, "tv1", finished(), the_end())
        return jobs.by_uid(c, second.uid), [one.task for one in follows.dispatched]

    second, dispatched = await db.write(work)
    assert second is not None
    assert dispatched == [task.number for task in await db.read(lambda c: tasks.of_job(c, second.number))]


async def test_only_the_same_start_of_the_same_agent_gets_the_same_attempt_again(db: Database) -> None:
    def work(c: Connection) -> list[int]:
        add_nodes(c, "tv1", "tv2")
        (task,) = tasks.of_job(c, submitted(c, node="tv1").number)
        return [
            accepted(c, task.number, "tv2"),
            accepted(c, task.number, "tv1"),
            accepted(c, task.number, "tv1"),
            accepted(c, task.number, "tv1", boot="another"),
        ]

    assert await db.write(work) == [0, 1, 1, 0]


async def test_the_same_event_twice_and_late_counts_once(db: Database) -> None:
    def work(c: Connection) -> Job | None:
        add_nodes(c, "tv1")
        job = submitted(c, node="tv1")
        (task,) = tasks.of_job(c, job.number)
        accepted(c, task.number, "tv1")
        for _ in range(2):
            ingested(c, task.number, "tv1", finished())
        ingested(c, task.number, "tv1", the_end())
        ingested(c, task.number, "tv1", finished(verdict=Verdict.FAIL), the_end())
        return jobs.by_uid(c, job.uid)

    job = await db.write(work)
    assert job is not None
    assert (job.counts.passed, job.counts.failed) == (1, 0)


async def test_an_old_attempt_and_a_foreign_node_change_nothing(db: Database) -> None:
    def work(c: Connection) -> Job | None:
        add_nodes(c, "tv1", "tv2")
        job = submitted(c, node="tv1")
        (task,) = tasks.of_job(c, job.number)
        accepted(c, task.number, "tv1")
        ingested(c, task.number, "tv1", finished(), the_end(), attempt=2)
        ingested(c, task.number, "tv2", finished(), the_end())
        return jobs.by_uid(c, job.uid)

    job = await db.write(work)
    assert job is not None
    assert (job.state, job.counts.finished) == (State.RUNNING, 0)


async def test_the_end_of_a_task_waits_for_its_results(db: Database) -> None:
    def work(c: Connection) -> int:
        add_nodes(c, "tv1")
        (task,) = tasks.of_job(c, submitted(c, node="tv1").number)
        accepted(c, task.number, "tv1")
        return task.number

    task = await db.write(work)
    with pytest.raises(TooEarly):
        await db.write(lambda c: ingested(c, task, "tv1", the_end()))
    await db.write(lambda c: ingested(c, task, "tv1", finished()))
    follows = await db.write(lambda c: ingested(c, task, "tv1", the_end()))
    assert len(follows.ended) == 1


async def test_tasks_with_one_lock_key_are_never_live_together(db: Database) -> None:
    def work(c: Connection) -> tuple[list[State], list[State]]:
        add_nodes(c, "tv1", "tv2")
        first, second = submitted(c, lock_key="app"), submitted(c, lock_key="app")
        before = [tasks.of_job(c, job.number)[0].state for job in (first, second)]
        (task,) = tasks.of_job(c, first.number)
        accepted(c, task.number, task.node or "")
        ingested(c, task.number, task.node or "", finished(), the_end())
        return before, [tasks.of_job(c, job.number)[0].state for job in (first, second)]

    before, after = await db.write(work)
    assert before == [State.PLACED, State.QUEUED]
    assert after == [State.FINISHED, State.PLACED]


async def test_a_submission_with_the_same_key_is_the_same_job(db: Database) -> None:
    await db.write(lambda c: add_nodes(c, "tv1"))
    first, second = [await db.write(lambda c: submitted(c, idempotency="k")) for _ in range(2)]
    assert first == second


async def test_results_of_one_second_have_names_of_their_own(db: Database) -> None:
    def work(c: Connection) -> list[str]:
        add_nodes(c, "tv1")
        job = submitted(c, node="tv1", tests=("a", "b", "c"))
        (task,) = tasks.of_job(c, job.number)
        accepted(c, task.number, "tv1")
        ingested(c, task.number, "tv1", *(finished(seq, name) for seq, name in enumerate("abc")))
        return [str(results.by_name(c, f"{job.uid}/2023-11-14T22:13:20{dot}")) for dot in ("", ".2", ".3")]

    assert [f"testcase='{name}'" in text for name, text in zip("abc", await db.write(work), strict=True)] == [
        True
    ] * 3


async def test_placing_when_nothing_waits_does_nothing(db: Database) -> None:
    assert await db.write(lambda c: place_waiting(c, NOW)) == []


async def test_a_use_case_that_fails_leaves_nothing_and_spoils_nothing_else(db: Database) -> None:
    def fails(c: Connection) -> None:
        add_nodes(c, "tv1")
        raise ValueError

    outcomes = await asyncio.gather(
        db.write(fails), db.write(lambda c: add_nodes(c, "tv2")), return_exceptions=True
    )
    assert isinstance(outcomes[0], ValueError)
    assert outcomes[1] is None
    with pytest.raises(NotFound):
        await db.write(lambda c: submitted(c, node="tv1"))
