"""End a job, and answer when it has ended."""

import asyncio
from contextlib import suppress

from anyrig.bus import codec, subjects
from anyrig.core.errors import Unavailable
from anyrig.core.jobs import HOLDS_NODE, Event, State, can
from anyrig.core.messages import StopRequest
from anyrig.core.records import Job, Task
from anyrig.core.reservations import require_use
from anyrig.core.users import Principal, Role
from anyrig.engine.ingest import Consequences, close
from anyrig.engine.lab import Lab
from anyrig.engine.reads import seen, wait_for_job
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import reservations as reservations_sql
from anyrig.storage.sql import tasks as tasks_sql


async def stop(lab: Lab, who: Principal, uid: str, seconds: float = 55.0) -> Job:
    """Ask every task of the job to end, and wait until the job has ended, or ``seconds`` have passed.

    Waiting tasks end at once. A job that is over already is returned as it is. What a node that is away is
    still to be told, it is told when it comes back.

    Raises:
        NotFound, Forbidden.
        NodeReserved: Somebody else has reserved a node that the job runs on; nothing is stopped.
    """
    now = lab.now()
    job, running, follows = await lab.db.write(lambda c: _stop(c, who, uid, now))
    lab.outgoing.put(follows.everything())
    if not running:
        return job
    async with asyncio.TaskGroup() as group:
        for task in running:
            group.create_task(_tell(lab, task, who.user, seconds))
        waiting = group.create_task(wait_for_job(lab, who, uid, seconds))
    return waiting.result()


async def _tell(lab: Lab, task: Task, by: str, seconds: float) -> None:
    request = codec.encode(StopRequest(task.number, task.attempt, f"Stopped by {by}."))
    with suppress(Unavailable):
        await lab.bus.request(subjects.rpc(task.node or "", "stop"), request, timeout=seconds)


def _stop(connection: Connection, who: Principal, uid: str, now: int) -> tuple[Job, list[Task], Consequences]:
    job = seen(who, jobs_sql.by_uid(connection, uid), uid)
    who.require(Role.OPERATOR, "stop jobs", job.project)
    follows = Consequences()
    running: list[Task] = []
    if not job.is_over:
        tasks = tasks_sql.of_job(connection, job.number)
        _require_use(connection, tasks, who, now)
        jobs_sql.stopped_by(connection, job.number, who.user)
        job = jobs_sql.by_number(connection, job.number) or job
        running = [task for task in tasks if _end(connection, job, task, now, follows)]
        jobs_sql.settle(connection, job.number, now)
    return jobs_sql.by_number(connection, job.number) or job, running, follows


def _require_use(connection: Connection, tasks: list[Task], who: Principal, now: int) -> None:
    on = [task.node for task in tasks if task.node is not None and task.state in HOLDS_NODE]
    for held in reservations_sql.held_on(connection, on, now):
        require_use(held, who.user)


def _end(connection: Connection, job: Job, task: Task, now: int, follows: Consequences) -> bool:
    """True when the task runs on a node that has to be told."""
    if not can(task.state, Event.STOP):
        return False
    if task.node is not None:
        nodes_sql.used(connection, task.node, job.stopped_by or "", now)
    if task.state in {State.RUNNING, State.STOPPING}:
        tasks_sql.move(connection, task, Event.STOP)
        return True
    tasks_sql.forget_dispatch(connection, task.number)
    tasks_sql.move(connection, task, Event.STOP, ended=now)
    close(connection, job, task, now, follows)
    return False
