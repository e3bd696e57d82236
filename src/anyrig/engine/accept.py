"""A node asks for its task, and says what it still holds."""

from dataclasses import replace

from anyrig.core.errors import Invalid, KeyUnreadable
from anyrig.core.jobs import HOLDS_NODE, Event, State
from anyrig.core.messages import AcceptReply, AcceptRequest, Hello, HelloReply, TaskSpec
from anyrig.core.records import Job, Task
from anyrig.core.tests import Kind
from anyrig.engine import build_runs
from anyrig.engine.lab import Lab
from anyrig.engine.seals import SealBroken
from anyrig.storage import Connection
from anyrig.storage.sql import builds as builds_sql
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import results as results_sql
from anyrig.storage.sql import tasks as tasks_sql
from anyrig.storage.sql.builds import BuildJob


async def accept(lab: Lab, asked: AcceptRequest) -> AcceptReply:
    """Hand out the attempt number, once: it is the fencing token of everything the node says later.

    The same start of the same agent may ask again (its answer was lost) and gets the same attempt.

    Raises:
        PackUnavailable: The pack's configuration cannot be read now; the node may ask again.
    """
    now = lab.now()
    reply, run = await lab.db.write(lambda c: _accept(c, asked, now))
    if reply.spec is None:
        return reply
    if run is not None:
        return replace(reply, spec=_with_order(lab, reply.spec, run))
    if not reply.spec.sha:
        return reply
    return replace(reply, spec=await _with_secrets(lab, reply.spec))


def _with_order(lab: Lab, spec: TaskSpec, run: BuildJob) -> TaskSpec:
    """The spec with what is to be done, or with why that is not known."""
    try:
        return build_runs.with_order(lab, spec, run)
    except SealBroken as error:
        return replace(spec, trouble=str(error))


async def _with_secrets(lab: Lab, spec: TaskSpec) -> TaskSpec:
    """The spec with what the pack's secrets say, or with why they say nothing."""
    try:
        return replace(spec, secrets=await lab.secrets.of_task(lab.packs, spec))
    except (Invalid, KeyUnreadable) as error:
        return replace(spec, trouble=str(error))


def _accept(connection: Connection, asked: AcceptRequest, now: int) -> tuple[AcceptReply, BuildJob | None]:
    """The second value is the run, if the job is one of a build."""
    task = tasks_sql.by_number(connection, asked.task)
    if task is None or task.node != asked.node or task.state not in HOLDS_NODE:
        return AcceptReply(go=False, why="The task is not yours, or not any more."), None
    job = jobs_sql.by_number(connection, task.job)
    if job is None:
        return AcceptReply(go=False, why="The job was deleted."), None
    if task.state is not State.PLACED:
        if task.holder != asked.boot_id:
            return AcceptReply(go=False, why="An earlier start of this agent holds the task."), None
        return _go(connection, job, task, task.attempt, now)
    attempt = task.attempt + 1
    tasks_sql.move(
        connection, task, Event.ACCEPT, attempt=attempt, holder=asked.boot_id, started=now, running_seq=None
    )
    tasks_sql.forget_dispatch(connection, task.number)
    jobs_sql.begin(connection, job.number, now)
    return _go(connection, job, task, attempt, now)


def _go(
    connection: Connection, job: Job, task: Task, attempt: int, now: int
) -> tuple[AcceptReply, BuildJob | None]:
    done = results_sql.how_many(connection, task.number) if attempt > 1 else 0
    run = builds_sql.job(connection, job.number) if job.kind == Kind.BUILD else None
    return AcceptReply(go=True, attempt=attempt, now=now, spec=_spec(job, task, done)), run


def _spec(job: Job, task: Task, done: int) -> TaskSpec:
    return TaskSpec(
        task=task.number,
        job_uid=job.uid,
        task_index=task.position,
        node=task.node or "",
        kind=job.kind,
        project=job.project,
        user=job.user,
        pack_url=f"/git/{job.project}.git" if job.sha else "",
        sha=job.sha,
        tests=job.tests,
        done=done,
        forever=job.forever,
        shuffle=job.shuffle,
        category=job.category,
        remote_control=job.remote_control,
        tags=job.tags,
        params=job.params,
    )


async def hello(lab: Lab, said: Hello) -> tuple[HelloReply, list[Task]]:
    """Compare what the node holds with the truth; the second value are the tasks its restart has lost."""
    live = await lab.db.read(lambda c: tasks_sql.live_on(c, said.node))
    held = dict(said.tasks)
    mine = {task.number: task for task in live if held.get(task.number) == task.attempt}
    drop = tuple(number for number in held if number not in mine)
    stop = tuple(number for number, task in mine.items() if task.state is State.STOPPING)
    lost = [
        task
        for task in live
        if task.number not in mine and task.state is not State.PLACED and task.holder != said.boot_id
    ]
    return HelloReply(drop, stop), lost
