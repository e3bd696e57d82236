"""Give waiting tasks to free nodes, and send them there.

Placing is part of a transaction that changed something: a job came, a task ended, a node came back. Sending
comes after its commit; what is not accepted stays in the outbox, and the sweep sends it again.
"""

from contextlib import suppress

from anyrig.bus import codec, subjects
from anyrig.core.errors import Unavailable
from anyrig.core.messages import Dispatch
from anyrig.core.placement import Placement, Waiting, place
from anyrig.engine.lab import Lab
from anyrig.engine.outgoing import Dispatched
from anyrig.storage import Connection
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import tasks as tasks_sql

_ANSWER_SECONDS = 1.0


def place_new(connection: Connection, task: Waiting, now: int) -> tuple[Placement, list[Dispatched]]:
    """Place just this new task: whatever waits already cannot go anywhere, or it would have gone."""
    tasks_sql.one_at_a_time(connection)
    nodes = nodes_sql.for_placement(connection, now, task.node)
    locks = tasks_sql.locks_held(connection, task.lock_key, besides=task.task)
    (decision,) = place([task], nodes, locks)
    return decision, _write_down(connection, [task], [decision], now)


def place_waiting(connection: Connection, now: int) -> list[Dispatched]:
    """Place whatever can be placed: a node or a lock has become free."""
    if not tasks_sql.somebody_waits(connection):
        return []
    tasks_sql.one_at_a_time(connection)
    waiting = tasks_sql.waiting(connection)
    nodes = nodes_sql.for_placement(connection, now)
    decisions = place(waiting, nodes, tasks_sql.locks_live(connection))
    return _write_down(connection, waiting, decisions, now)


def _write_down(
    connection: Connection, waiting: list[Waiting], decisions: list[Placement], now: int
) -> list[Dispatched]:
    users = {task.task: task.user for task in waiting}
    dispatched = []
    for decision in decisions:
        if tasks_sql.decide(connection, decision, now) and decision.node is not None:
            nodes_sql.used(connection, decision.node, users[decision.task], now)
            dispatched.append(Dispatched(decision.task, decision.node, now))
    return dispatched


async def send(lab: Lab, one: Dispatched, again: int = 0) -> None:
    """Tell the node. ``again`` counts the sendings of one lease, so that each is a message of its own.

    The first time it is told by word of mouth; when it is away or busy, the message is left for it. A bus
    that is away is no trouble: the outbox keeps the task until it is accepted.
    """
    message = codec.encode(Dispatch(one.task, lab.now() + lab.limits.accept_within))
    if not again and await _told(lab, one.node, message):
        return
    key = f"{one.task}:{one.generation}:{again}"
    with suppress(Unavailable):
        await lab.bus.publish(subjects.job(one.node), message, msg_id=key)


async def _told(lab: Lab, node: str, message: bytes) -> bool:
    """Whether the node has heard it and is about to ask for the task."""
    try:
        await lab.bus.request(subjects.rpc(node, "work"), message, timeout=_ANSWER_SECONDS)
    except Unavailable:
        return False
    return True
