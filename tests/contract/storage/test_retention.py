"""What goes, in real databases and real stores of objects."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_rows import NOW, accepted, add_nodes, finished, ingested, submitted
from moto.server import ThreadedMotoServer

from anyrig.core.messages import Artifact, TaskFinished
from anyrig.core.records import Job
from anyrig.core.results import Verdict
from anyrig.core.retention import DAY, Rules
from anyrig.engine.checking import missing
from anyrig.engine.retention import Kept, enforce, plan, remove_leftovers
from anyrig.storage import Connection
from anyrig.storage.artifacts import Objects
from anyrig.storage.database import Database
from anyrig.storage.objects_files import FileObjects
from anyrig.storage.objects_s3 import StoreObjects
from anyrig.storage.schema import reasons
from anyrig.storage.sql import duties, jobs, results, tasks
from anyrig.storage.sql import retention as sql

DYING = Path(__file__).with_name("dying_retention.py")
HOUR = DAY // 24


def the_day_after_tomorrow() -> int:
    return time.time_ns() // 1000 + 2 * DAY


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    """An S3 on loopback; gives the settings that reach its bucket ``kept``."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with urllib.request.urlopen(
        urllib.request.Request(f"http://{host}:{port}/kept", method="PUT"), timeout=10
    ):
        pass
    yield {
        "endpoint": f"http://{host}:{port}",
        "region": "us-east-1",
        "access_key_id": "any",
        "secret_access_key": "any",
        "allow_http": "true",
    }
    server.stop()


@pytest.fixture(params=["files", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "files":
        return FileObjects(tmp_path / "objects")
    prefix = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]
    return StoreObjects(f"s3://kept/{prefix}", request.getfixturevalue("bucket"), tmp_path / "spool")


@pytest.fixture
def kept(db: Database, objects: Objects) -> Kept:
    return Kept(db, objects, Rules(age=DAY), the_day_after_tomorrow)


def named(content: bytes, name: str = "a.txt") -> Artifact:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Artifact(name, len(content), md5, hashlib.sha256(content).hexdigest())


async def stored(objects: Objects, content: bytes) -> Artifact:
    file = named(content)
    await objects.put_small([(file.sha256, file.md5, content)])
    return file


async def ran(kept: Kept, *contents: bytes, log: bytes = b"log", at: int = NOW, over: bool = True) -> Job:
    """A job with a result for each of the contents, which is its only file."""
    files = [await stored(kept.objects, content) for content in contents]
    whole = await stored(kept.objects, log)

    def work(c: Connection) -> Job:
        add_nodes(c, "tv1", now=at)
        job = submitted(c, node="tv1", tests=("t",) * len(files), tags={"model": "X"}, now=at)
        (task,) = tasks.of_job(c, job.number)
        accepted(c, task.number, "tv1", now=at)
        for seq, file in enumerate(files):
            case = finished(
                seq,
                start=at + seq,
                end=at + seq + 5,
                verdict=Verdict.FAIL,
                reason="broken",
                artifacts=(file,),
            )
            ingested(c, task.number, "tv1", case, now=at)
        if over:
            end = TaskFinished(results=len(files), log=whole)
            ingested(c, task.number, "tv1", end, now=at + 10)
        return job

    return await kept.db.write(work)


async def names(kept: Kept) -> set[str]:
    return {each.sha256 async for each in kept.objects.iterate()}


async def listed(kept: Kept, job: Job) -> list[bool]:
    """Whether each of its results was removed; without those that are forgotten."""

    def work(c: Connection) -> list[bool]:
        found = [results.by_name(c, f"{job.uid}/2023-11-14T22:13:20{more}") for more in ("", ".2", ".3")]
        return [each.deleted is not None for each in found if each]

    return await kept.db.read(work)


async def test_an_old_result_goes_with_all_that_it_left(kept: Kept) -> None:
    job = await ran(kept, b"one", b"two")
    planned = await plan(kept)
    assert [old.job for old in planned.going.oldest] == [job.number] * 2
    assert (planned.going.jobs, planned.going.size) == (1, len(b"onetwolog"))
    assert await listed(kept, job) == [False, False]
    done = await enforce(kept)
    assert done.going == planned.going
    assert await listed(kept, job) == [True, True]
    assert await names(kept) == set()
    gone = await kept.db.read(lambda c: jobs.by_uid(c, job.uid))
    assert gone is not None
    assert gone.deleted
    assert await kept.db.read(lambda c: jobs.page(c, 10)) == []
    assert await kept.db.read(lambda c: c.execute(reasons.select()).all()) == []


async def test_an_object_stays_while_anybody_refers_to_it(kept: Kept) -> None:
    await ran(kept, b"shared", b"own", log=b"shared log")
    young = kept.now() - 2 * HOUR
    await ran(kept, b"shared", log=b"shared log", at=young)
    done = await enforce(kept)
    assert (done.going.results, done.going.size) == (2, 3)
    assert await names(kept) == {named(b"shared").sha256, named(b"shared log").sha256}
    assert await missing(kept.db, kept.objects) == (2, [])


async def test_a_pinned_result_stays_and_so_does_its_job(kept: Kept) -> None:
    job = await ran(kept, b"one", b"two")
    pinned = f"{job.uid}/2023-11-14T22:13:20"
    assert await kept.db.write(lambda c: sql.pin(c, pinned, pinned=True))
    await enforce(kept)
    assert await listed(kept, job) == [False, True]
    assert await names(kept) == {named(b"one").sha256, named(b"log").sha256}
    assert (await kept.db.read(lambda c: jobs.by_uid(c, job.uid))).deleted is None  # type: ignore[union-attr]
    assert await kept.db.write(lambda c: sql.pin(c, pinned, pinned=False))
    await enforce(kept)
    assert await listed(kept, job) == [True, True]
    assert not await kept.db.write(lambda c: sql.pin(c, pinned, pinned=True))


async def test_results_of_a_job_that_runs_stay(kept: Kept) -> None:
    job = await ran(kept, b"one", over=False)
    assert (await enforce(kept)).going.results == 0
    assert await listed(kept, job) == [False]


async def test_only_the_newest_stay(db: Database, objects: Objects) -> None:
    kept = Kept(db, objects, Rules(most=1), the_day_after_tomorrow)
    job = await ran(kept, b"one", b"two", b"three")
    assert (await plan(kept)).going.results == 2
    await enforce(kept)
    assert await listed(kept, job) == [True, True, False]
    assert await names(kept) == {named(b"three").sha256, named(b"log").sha256}


async def test_room_is_made_on_a_real_disk(db: Database, tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    plenty = Kept(db, objects, Rules(keep_free=1), the_day_after_tomorrow)
    job = await ran(plenty, b"one")
    assert (await enforce(plenty)).going.results == 0
    assert await listed(plenty, job) == [False]
    size = os.statvfs(tmp_path)
    whole = size.f_blocks * size.f_frsize
    await enforce(Kept(db, objects, Rules(keep_free=whole + 1), the_day_after_tomorrow))
    assert await listed(plenty, job) == [True]


async def test_what_is_younger_than_a_day_stays_whatever_the_rules_say(db: Database, tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    kept = Kept(db, objects, Rules(age=1, most=1, keep_free=10**18), the_day_after_tomorrow)
    await ran(kept, b"one", b"two", at=kept.now() - 2 * HOUR)
    assert (await plan(kept)).going.results == 0


async def test_tombstones_are_forgotten_in_the_end(db: Database, objects: Objects) -> None:
    kept = Kept(db, objects, Rules(age=DAY, tombstones=10 * DAY), the_day_after_tomorrow)
    job = await ran(kept, b"one", b"two")
    await enforce(kept)
    assert await listed(kept, job) == [True, True]
    later = Kept(db, objects, kept.rules, lambda: kept.now() + 11 * DAY)
    assert (await plan(later)).tombstones == 2
    assert (await enforce(later)).tombstones == 2
    assert await listed(kept, job) == []
    assert await db.read(lambda c: jobs.by_uid(c, job.uid)) is None


async def test_leftovers_go_and_what_is_new_or_in_use_stays(kept: Kept) -> None:
    await ran(kept, b"one", over=False)
    left = await stored(kept.objects, b"left over")
    new = Kept(kept.db, kept.objects, kept.rules, lambda: time.time_ns() // 1000)
    assert (await remove_leftovers(new)).objects == 0
    gone = await remove_leftovers(kept)
    assert (gone.objects, gone.size) == (2, len(b"left over" + b"log"))
    assert left.sha256 not in await names(kept)
    assert await names(kept) == {named(b"one").sha256}


async def test_an_object_that_is_offered_again_stays(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    file = await stored(objects, b"again")
    long_ago = time.time() - 3 * 86_400
    os.utime(objects.path(file.sha256), (long_ago, long_ago))
    before = time.time_ns() // 1000 - DAY
    assert await objects.offset(file.sha256) is None  # an agent was told that it is there
    assert not await objects.delete_old(file.sha256, before)
    os.utime(objects.path(file.sha256), (long_ago, long_ago))
    assert await objects.delete_old(file.sha256, before)
    assert await objects.offset(file.sha256) == 0


async def test_of_offers_and_removals_at_once_no_offer_is_broken(tmp_path: Path) -> None:
    """Whoever was told that the object is there finds it there."""
    objects = FileObjects(tmp_path / "objects")
    file = await stored(objects, b"fought over")
    long_ago = time.time() - 3 * 86_400
    kept = removed = 0
    for _ in range(300):
        await objects.put_small([(file.sha256, file.md5, b"fought over")])
        os.utime(objects.path(file.sha256), (long_ago, long_ago))
        before = time.time_ns() // 1000 - DAY
        gone, offset = await asyncio.gather(
            objects.delete_old(file.sha256, before), objects.offset(file.sha256)
        )
        assert gone == (offset is not None)
        assert gone == (await objects.size(file.sha256) is None)
        kept, removed = kept + (not gone), removed + gone
    assert kept + removed == 300


async def test_an_object_that_was_being_removed_when_the_power_went_is_there_again(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    file = await stored(objects, b"rescued")
    objects.path(file.sha256).rename(tmp_path / "objects" / "incoming" / f"{file.sha256}.00.taken")
    assert await FileObjects(tmp_path / "objects").size(file.sha256) == len(b"rescued")


async def test_what_is_old_in_a_bucket_is_sent_again(bucket: dict[str, str], tmp_path: Path) -> None:
    objects = StoreObjects("s3://kept/again", bucket, tmp_path)
    file = await stored(objects, b"again")
    assert await objects.offset(file.sha256) is None
    assert not await objects.delete_old(file.sha256, time.time_ns() // 1000 - DAY)
    assert await objects.delete_old(file.sha256, time.time_ns() // 1000 + DAY)
    assert await objects.offset(file.sha256) == 0
    assert not await objects.delete_old(file.sha256, time.time_ns() // 1000 + DAY)


async def test_who_is_killed_in_the_middle_leaves_nothing_that_is_offered_and_not_there(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    kept = Kept(db, FileObjects(tmp_path / "objects"), Rules(age=DAY), the_day_after_tomorrow)
    job = await ran(kept, b"one", b"two", b"three")
    dying = [sys.executable, str(DYING), database_url, str(tmp_path / "objects")]
    ended = await asyncio.to_thread(subprocess.run, dying, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(await names(kept)) == 3  # one of four is gone
    assert await missing(kept.db, kept.objects) == (0, [])
    assert await listed(kept, job) == [True, True, True]
    again = Kept(db, FileObjects(tmp_path / "objects"), kept.rules, kept.now)
    assert (await remove_leftovers(again)).objects == 3
    assert await names(kept) == set()


async def test_what_is_not_there_is_found(kept: Kept) -> None:
    await ran(kept, b"one", b"two", over=False)
    assert await missing(kept.db, kept.objects) == (2, [])
    await kept.objects.delete(named(b"two").sha256)
    count, [(lost, size)] = await missing(kept.db, kept.objects)
    assert (count, lost.sha256, lost.size, size) == (2, named(b"two").sha256, 3, None)


async def test_a_duty_is_taken_by_one_at_a_time_when_it_is_due(db: Database) -> None:
    async def take(now: int) -> bool:
        return await db.write(lambda c: duties.take(c, "retention", now, now + HOUR))

    assert sum(await asyncio.gather(*(take(NOW) for _ in range(8)))) == 1
    assert not await take(NOW + HOUR - 1)
    await db.write(lambda c: duties.prolong(c, "retention", NOW + 2 * HOUR))
    assert sum(await asyncio.gather(*(take(NOW + HOUR) for _ in range(8)))) == 0
    assert sum(await asyncio.gather(*(take(NOW + 2 * HOUR) for _ in range(8)))) == 1
    assert await db.read(lambda c: duties.due(c, "retention")) == NOW + 3 * HOUR
