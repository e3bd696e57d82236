"""Short ways to builds and their runs in a database, by the engine's own use cases."""

from itertools import count
from types import SimpleNamespace
from typing import Any

from lab_rows import NOW, ingested

from anyrig.core.build_records import Channel, Level
from anyrig.core.build_spec import Source
from anyrig.core.builds import BuildConfig
from anyrig.core.jobs import State
from anyrig.core.messages import AcceptRequest, NodeOffer, Noted, Presence
from anyrig.core.records import Job, Task
from anyrig.core.users import Principal, Role
from anyrig.engine import accept, build_logs, build_runs, builds
from anyrig.engine.build_logs import Pages
from anyrig.engine.build_runs import Wanted
from anyrig.engine.known_builds import Build, KnownBuilds
from anyrig.engine.lose import Loss, _lose
from anyrig.engine.outgoing import Ended, Outgoing
from anyrig.engine.seals import Seal
from anyrig.engine.waiting import Waiters
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import access, nodes, tasks

SECOND = 1_000_000
LATER = NOW + 99 * SECOND
"""When nodes say something."""
ADA = Principal("ada", Role.OPERATOR, "t")
LISTENING, TRIGGERED = "Listening on shop", "Triggered, actions in queue: 1"


def lab_of(db: Database) -> Any:
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
            nodes.seen(c, name, Presence("boot", "1", "lab", "10.0.0.1"), LATER)

    await lab.db.write(work)


async def triggered(lab: Any, build: Build, *deliveries: str, **params: str) -> Job:
    return await build_runs.trigger(lab, ADA, build, Wanted(Source.TRIGGER, params, deliveries))


async def task_of(lab: Any, job: Job) -> Task:
    (task,) = await lab.db.read(lambda c: tasks.of_job(c, job.number))
    assert isinstance(task, Task)
    return task


async def begun(lab: Any, job: Job) -> Task:
    """Its task, accepted by its node."""
    task = await task_of(lab, job)
    asked = AcceptRequest(task.number, task.node or "", "boot")
    await lab.db.write(lambda c: accept._accept(c, asked, NOW))
    task = await task_of(lab, job)
    assert task.state is State.RUNNING
    return task


async def running(lab: Any, more: str = "") -> tuple[Build, Job, Task]:
    """A build, one run of it, and its task, on the only node that there is."""
    await with_node(lab, "n1")
    build = await created(lab, more=more)
    job = await triggered(lab, build)
    return build, job, await begun(lab, job)


def noted(number: int, message: str, level: Level = Level.INFO, channel: Channel = Channel.ACTIONS) -> Noted:
    return Noted(number=number, at=LATER + number, channel=channel, level=level, message=message)


def ending(number: int, message: str, level: Level = Level.INFO) -> Noted:
    """Said of the run as a whole."""
    return noted(number, message, level, Channel.RUN)


async def told(lab: Any, task: Task, *events: Any) -> list[Ended]:
    """What the node says comes to the server; the jobs that ended thereby."""
    node, more = task.node or "", {"attempt": task.attempt, "now": LATER + SECOND}
    follows = await lab.db.write(lambda c: ingested(c, task.number, node, *events, **more))
    return list(follows.ended)


async def lost(lab: Any, task: Task, why: str = "Node lost.") -> list[Ended]:
    follows = await lab.db.write(lambda c: _lose(c, task, Loss(why, None, None), LATER + SECOND))
    return list(follows.ended)


async def said(lab: Any, build: Build, level: int = Level.DEBUG, *, runs: bool = False) -> list[str]:
    """The oldest first."""
    now = await builds.numbered(lab, build.number)
    found = await build_logs.records(lab, now, Pages(size=-1, level=level), runs=runs)
    return [record.message for record in reversed(found)]
