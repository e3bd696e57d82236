"""Reservations end when their time has passed: to the moment, by whichever server is there."""

import logging

from anyrig.core.reservations import why_not
from anyrig.core.users import Principal
from anyrig.engine import reserve
from anyrig.engine.lab import Lab
from anyrig.engine.outgoing import Outgo
from anyrig.engine.pages import NodeStanding, find_node
from anyrig.engine.waiting import RESERVATIONS
from anyrig.storage import Connection
from anyrig.storage.sql import reservations as sql
from anyrig.storage.sql import tasks as tasks_sql

log = logging.getLogger(__name__)
_LOOK_AGAIN = 10.0
"""Seconds after which we look without a reason: the clock may have been set, or a notification was missed."""
_LOOK_AT_NODE = 1.0
"""The same for a node, which nobody tells us about when it comes back."""


async def run(lab: Lab) -> None:
    """End each reservation just when it expires, and at once those that expired while no server was there."""
    while not lab.waiters.closed:
        with lab.waiters.waiting(RESERVATIONS) as wait:
            await wait(await _until_next(lab))


async def _until_next(lab: Lab) -> float:
    """End what is overdue; returns the seconds until it is time to look again."""
    try:
        if await lab.db.read(lambda c: sql.overdue(c, lab.now())):
            lab.outgoing.put(await lab.db.write(lambda c: _end_overdue(c, lab.now())))
        ends = await lab.db.read(sql.next_end)
    except Exception:
        log.exception("reservations cannot be looked at")
        return _LOOK_AGAIN
    return _LOOK_AGAIN if ends is None else min(_LOOK_AGAIN, max(0.0, (ends - lab.now()) / 1e6))


def _end_overdue(connection: Connection, now: int) -> list[Outgo]:
    tasks_sql.one_at_a_time(connection)
    return reserve.end_overdue_in(connection, now)


async def wait_until_free(lab: Lab, who: Principal, name: str, seconds: float) -> NodeStanding:
    """The node once it can be reserved, or as it is after ``seconds``. Raises NotFound."""
    deadline = lab.now() + round(seconds * 1e6)
    job = ""
    while True:
        with lab.waiters.waiting(RESERVATIONS, job) as wait:
            found = await find_node(lab, who, name)
            left = (deadline - lab.now()) / 1e6
            if why_not(found.now) is None or left <= 0 or lab.waiters.closed:
                return found
            seen, job = job, found.now.busy_with or ""
            if seen == job:
                await wait(min(left, _LOOK_AT_NODE))
