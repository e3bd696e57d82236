"""Signs of life: which nodes are there, and whether what they hold is what they should hold."""

from contextlib import suppress

from anyrig.bus import codec, subjects
from anyrig.core.errors import Unavailable
from anyrig.core.jobs import State
from anyrig.core.messages import Presence, StopRequest
from anyrig.core.records import Task
from anyrig.engine.lab import Lab
from anyrig.engine.lose import lose_if_silent
from anyrig.storage import Connection
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import tasks as tasks_sql

TOPIC = "nodes"
"""Woken at every sign of life that this server hears."""
_SETTLED = 30_000_000
"""Microseconds after which an accepted task must show in its node's signs of life."""
_RPC_SECONDS = 5.0


async def heard(lab: Lab, node: str, said: Presence) -> None:
    """Note the sign of life; end what the node should not run, and lose what it does not know."""
    now = lab.now()
    live = await lab.db.write(lambda c: _note(c, node, said, now))
    lab.waiters.wake(TOPIC)
    held = dict(said.tasks)
    mine = {task.number: task for task in live if held.get(task.number) == task.attempt}
    for number, attempt in held.items():
        if number not in mine:
            await _tell_to_forget(lab, node, number, attempt)
    for task in live:
        unknown = task.number not in mine and task.state is not State.PLACED
        if unknown and now - max(task.started or now, lab.hearing.since) > _SETTLED:
            await lose_if_silent(lab, task, f"Node {node} does not know the task any more.")


def _note(connection: Connection, node: str, said: Presence, now: int) -> list[Task]:
    nodes_sql.seen(connection, node, said, now)
    return tasks_sql.live_on(connection, node)


async def _tell_to_forget(lab: Lab, node: str, task: int, attempt: int) -> None:
    """Unless its end is just being ingested: then the node is about to forget it by itself."""
    request = StopRequest(task, attempt, "The server gave the task up.", grace=1.0, forget=True)
    with suppress(Unavailable):
        if not await lab.bus.pending_events():
            await lab.bus.request(subjects.rpc(node, "stop"), codec.encode(request), timeout=_RPC_SECONDS)


async def left(lab: Lab, node: str) -> None:
    """The node said goodbye, or its last sign of life has expired."""
    now = lab.now()
    await lab.db.write(lambda c: nodes_sql.gone(c, node, now))
