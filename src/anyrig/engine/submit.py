"""Take a job in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anyrig.core.errors import (
    AnyrigError,
    Invalid,
    NodeBusy,
    NodeOffline,
    NodeReserved,
    NodeTroubled,
    NotFound,
)
from anyrig.core.ids import job_uid
from anyrig.core.jobs import State
from anyrig.core.placement import Placement, Waiting
from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine import place
from anyrig.engine.lab import Lab
from anyrig.engine.outgoing import Changed, Dispatched
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import tasks as tasks_sql


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody wants run; everything in it is checked already."""

    project: str
    kind: str
    tests: tuple[str, ...]
    revision: str = ""
    sha: str = ""
    branch: str | None = None
    category: str = "default"
    tags: dict[str, str | None] = field(default_factory=dict)
    node: str | None = None
    """The one node to run on; None: any node with the labels."""
    labels: tuple[str, ...] = ()
    remote_control: str = ""
    forever: bool = False
    shuffle: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    """How often a task whose node was lost runs again."""
    queue: bool = True
    """Wait for a free node; False: refuse when there is none now."""
    lock_key: str | None = None
    priority: int = 1
    idempotency: str | None = None
    """A client's own key: a second submission with it is the first one again."""


Also = Callable[[Connection, int, int], None]
"""What is committed together with a job: told its number and the time."""


def _nothing(_connection: Connection, _job: int, _now: int) -> None:
    pass


async def submit(lab: Lab, who: Principal, wanted: Submission, also: Also = _nothing) -> Job:
    """Commit the job and its task, place it if a node is free, and send it there.

    Raises:
        NotFound: The node is not known.
        NodeBusy, NodeOffline, NodeReserved, NodeTroubled: ``queue`` is False and the node cannot take it now.
        Invalid: ``queue`` is False and the node never can: it does not run such tests, or lacks a label.
    """
    who.require(Role.OPERATOR, "run tests", wanted.project)
    now = lab.now()
    job, dispatched = await lab.db.write(lambda c: _insert(c, lab, who.user, wanted, now, also))
    lab.outgoing.put([*dispatched, Changed(job.number)])
    return job


def _insert(
    connection: Connection, lab: Lab, user: str, wanted: Submission, now: int, also: Also = _nothing
) -> tuple[Job, list[Dispatched]]:
    if wanted.idempotency and (known := jobs_sql.by_idempotency(connection, wanted.idempotency)):
        return known, []
    if wanted.node is not None and nodes_sql.agent_of(connection, wanted.node) is None:
        raise NotFound(what="node", name=wanted.node)
    new = _new_job(user, wanted)
    number = jobs_sql.add(connection, new, now)
    also(connection, number, now)
    decision, dispatched = place.place_new(connection, _new_task(connection, number, user, wanted), now)
    if not wanted.queue and not dispatched:
        raise _refusal(connection, decision, user, wanted.node, now)
    uid = job_uid(wanted.node, lab.series, number)
    state = State.PLACED if dispatched else State.QUEUED
    jobs_sql.name(connection, number, uid, state)
    return jobs_sql.fresh(new, number, uid, state, now), dispatched


def _new_task(connection: Connection, job: int, user: str, wanted: Submission) -> Waiting:
    number = tasks_sql.add(
        connection,
        job,
        0,
        node=wanted.node,
        labels=wanted.labels,
        lock_key=wanted.lock_key,
        priority=wanted.priority,
    )
    labels = frozenset(wanted.labels)
    return Waiting(number, wanted.kind, user, wanted.node, labels, wanted.lock_key, wanted.priority)


def _new_job(user: str, wanted: Submission) -> jobs_sql.NewJob:
    return jobs_sql.NewJob(
        project=wanted.project,
        kind=wanted.kind,
        user=user,
        category=wanted.category,
        tags=wanted.tags,
        revision=wanted.revision,
        branch=wanted.branch,
        sha=wanted.sha,
        tests=wanted.tests,
        remote_control=wanted.remote_control,
        forever=wanted.forever,
        shuffle=wanted.shuffle,
        params=wanted.params,
        retries=wanted.retries,
        idempotency=wanted.idempotency,
    )


def _refusal(
    connection: Connection, decision: Placement, user: str, name: str | None, now: int
) -> AnyrigError:
    """What keeps the node comes before what is wrong with it: somebody may want to stop that job."""
    reason = decision.reason.rstrip(".")
    if name is None:
        return NodeBusy(node="any", reason=reason)
    (node,) = nodes_sql.for_placement(connection, now, name)
    if not node.online:
        return NodeOffline(node=name)
    if node.reserved_by not in {None, user}:
        return NodeReserved(node=name, user=node.reserved_by)
    if node.busy_with is not None:
        return NodeBusy(node=name, reason=f"Node {name} is running job {node.busy_with}")
    if node.trouble is not None:
        return NodeTroubled(node=name, trouble=node.trouble)
    return Invalid(reason=reason)
