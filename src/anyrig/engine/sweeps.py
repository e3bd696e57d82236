"""What has to be looked at again and again: silent nodes, unanswered dispatches, missed notifications."""

from anyrig.core.jobs import State
from anyrig.core.records import NodeRecord, Task
from anyrig.engine import place
from anyrig.engine.lab import Lab
from anyrig.engine.lose import lose_if_silent
from anyrig.engine.outgoing import Dispatched
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import tasks as tasks_sql


async def sweep_leases(lab: Lab) -> None:
    """Lose the tasks of nodes that were silent for their lease, and those that no node ever accepted.

    Silence counts only while this server could hear: a server that was down, or cut off, starts anew.
    """
    if not lab.bus.connected:
        return
    now = lab.now()
    live = await lab.db.read(tasks_sql.live)
    if not live:
        return
    nodes = {node.name: node for node in await lab.db.read(nodes_sql.every)}
    for task in live:
        why = _why_lost(lab, task, nodes.get(task.node or ""), now)
        if why:
            await lose_if_silent(lab, task, why)


def _why_lost(lab: Lab, task: Task, node: NodeRecord | None, now: int) -> str:
    heard = max(node.seen or 0 if node else 0, task.placed or 0, lab.hearing.since)
    silent = now - heard
    if silent > lab.limits.lease:
        return f"Node lost: {task.node} was not heard of for {silent / 1e6:.0f} s."
    waited = now - max(task.placed or now, lab.hearing.since)
    if task.state is State.PLACED and waited > lab.limits.accept_within:
        return f"Node lost: {task.node} did not take the task."
    return ""


async def sweep_outbox(lab: Lab) -> None:
    """Send again what was placed but not accepted."""
    now = lab.now()
    every = lab.limits.resend_after
    for task, node, generation in await lab.db.read(lambda c: tasks_sql.undelivered(c, now - every)):
        await place.send(lab, Dispatched(task, node, generation), again=(now - generation) // every)


async def sweep_waiters(lab: Lab) -> None:
    """Wake those whose notification was missed."""
    uids = lab.waiters.topics()
    if uids:
        for uid in await lab.db.read(lambda c: jobs_sql.ended_among(c, uids)):
            lab.waiters.wake(uid)


async def sweep_queue(lab: Lab) -> None:
    """Place what waits: a node may have come online, and the reasons that users read may have changed."""
    now = lab.now()
    if await lab.db.read(tasks_sql.somebody_waits):
        lab.outgoing.put(await lab.db.write(lambda c: place.place_waiting(c, now)))
