"""Runs of builds: ask for one, wait for its end, and tell its node what to do."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from anyrig.core.build_records import Channel, Level, Record, triggered
from anyrig.core.build_spec import Source, Value, spec_of, told
from anyrig.core.errors import NotFound, TooManyRequests
from anyrig.core.messages import TaskSpec
from anyrig.core.records import Job
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine import builds as builds_of
from anyrig.engine import reads
from anyrig.engine.announcing.base import ANNOUNCEMENTS
from anyrig.engine.builds import listeners
from anyrig.engine.known_builds import Build
from anyrig.engine.lab import Lab
from anyrig.engine.submit import Submission, submit
from anyrig.storage import Connection
from anyrig.storage.sql import build_deliveries, builds
from anyrig.storage.sql import build_records as records_sql

MOST_WAITING = 10_000
"""Runs of one build that are not over."""
_SECRET = "********"  # noqa: S105 - what is shown instead


class QueueFull(TooManyRequests):
    """{reason}"""  # noqa: D415 - a sentence

    code = "queue_full"


class Replayed(Exception):
    """The webhook was taken before."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that somebody asks for."""

    source: Source
    params: Mapping[str, str | list[str]]
    deliveries: tuple[str, ...] = ()
    """Ids of the webhook that asks for it: none of them was taken before, or nothing is run."""
    category: str = "default"
    tags: Mapping[str, str | None] | None = None
    idempotency: str | None = None


class Removed(NotFound):
    """There is no {what} '{name}'.

    Not any more: it was there a moment ago.
    """


async def trigger_at(lab: Lab, who: Principal, listen_point: str, wanted: Wanted) -> tuple[Build, Job]:
    """As ``trigger`` for the build that listens there; as a rule without looking for it first.

    Raises:
        NotFound: None does.
    """
    known = lab.builds.listening(listen_point)
    if known is not None and who.sees(known.project):
        with suppress(Removed):
            return known, await trigger(lab, who, known, wanted)
    build = await builds_of.find(lab, who, listen_point)
    return build, await trigger(lab, who, build, wanted)


async def trigger(lab: Lab, who: Principal, build: Build, wanted: Wanted) -> Job:
    """Commit the run; it waits for those of the same build that were asked for before.

    Raises:
        Forbidden.
        QueueFull: Too many wait already.
        Replayed: Its webhook was taken before.
        Removed: It was removed meanwhile.
    """
    who.require(Role.OPERATOR, "run builds", build.project)
    config, node = build.config, build.config.nodes
    values = {name: Value(wanted.source, value) for name, value in wanted.params.items()}
    spec = spec_of(config, values)
    secret = frozenset(name for name in spec.values if config.is_secret(name))
    sealed = lab.seal.close(_name(build.number), msgspec.json.encode(told(spec, secret)))
    submission = Submission(
        project=build.project,
        kind=Kind.BUILD,
        tests=(build.listen_point,),
        branch=_branch(wanted.params),
        category=wanted.category,
        tags=dict(wanted.tags or {}),
        node=node[0],
        labels=node[1],
        params={name: _SECRET if name in secret else value for name, value in wanted.params.items()},
        lock_key=f"build:{build.listen_point}",
        idempotency=wanted.idempotency,
    )
    job = await submit(lab, who, submission, _Noting(build, wanted, sealed))
    if listeners(config):
        lab.waiters.wake(ANNOUNCEMENTS)
    return job


def _name(build: int) -> str:
    return f"run of build {build}"


def _branch(params: Mapping[str, str | list[str]]) -> str | None:
    branch = params.get("branch")
    return branch if isinstance(branch, str) and branch else None


class _Noting:
    """What is committed together with the job."""

    def __init__(self, build: Build, wanted: Wanted, sealed: bytes) -> None:
        self._build = build
        self._wanted = wanted
        self._sealed = sealed

    def __call__(self, connection: Connection, job: int, now: int) -> None:
        build, heard = self._build, listeners(self._build.config)
        kept = builds.present(connection, build.listen_point)
        if kept is None or kept.number != build.number:
            raise Removed(what="build", name=build.listen_point)
        if not build_deliveries.remember(connection, build.number, self._wanted.deliveries, now):
            raise Replayed
        waiting = builds.waiting(connection, build.number)
        if waiting >= MOST_WAITING:
            reason = f"{waiting} runs of {build.listen_point} wait already; try again later"
            raise QueueFull(reason=reason)
        builds.add_job(connection, job, kept, heard, self._sealed)
        record = Record(now, Channel.RUN, Level.DEBUG, triggered(len(build.config.actions)))
        records_sql.add(connection, build.number, kept.history, heard, record, job)


def with_order(lab: Lab, spec: TaskSpec, run: builds.BuildJob) -> TaskSpec:
    """The spec with what its node has to do. Raises SealBroken."""
    if run.sealed is None:
        return replace(spec, trouble="The run is over.")
    params, secrets = msgspec.json.decode(lab.seal.open(_name(run.build), run.sealed))
    return replace(spec, params=params, secrets=secrets)


@dataclass(frozen=True, slots=True)
class End:
    """What was said of a run's end."""

    level: Level
    message: str


async def wait_for_end(lab: Lab, who: Principal, job: Job, seconds: float) -> bool:
    """Whether the run, which was just asked for here, is over before ``seconds`` have passed."""
    with lab.waiters.waiting(job.uid) as wait:
        if lab.builds.has_ended(job.uid) or await wait(seconds):
            return True
    return (await reads.job(lab, who, job.uid)).is_over


async def end_of(lab: Lab, job: Job) -> End | None:
    """None: nothing was said, for it had nothing to do."""
    if lab.builds.has_ended(job.uid):
        known = lab.builds.end(job.uid)
        return End(*known) if known else None
    run = await lab.db.read(lambda c: builds.job(c, job.number))
    return End(run.level, run.message) if run and run.level is not None and run.message else None
