"""Once an hour one of the servers lets go what the rules say; once a day it looks for leftovers."""

import asyncio
import logging

from anyrig.core.retention import DAY
from anyrig.core.wording import size_text
from anyrig.engine import build_upkeep
from anyrig.engine.lab import Lab
from anyrig.engine.retention import Kept, enforce, remove_leftovers
from anyrig.storage.sql import duties

log = logging.getLogger(__name__)
RESULTS, LEFTOVERS = "retention", "leftovers"
"""The names of the two duties."""
_HOUR = 3_600_000_000
_LOOK_SECONDS = 60.0


async def run(lab: Lab) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await sweep(lab)
        except Exception:
            log.exception("old results could not be removed")


async def sweep(lab: Lab) -> None:
    """Take up whichever duty is due, unless another server has."""
    kept = Kept(lab.db, lab.objects, lab.retention, lab.now)
    if await _taken(lab, RESULTS, _HOUR):
        done = await enforce(kept, lambda: _prolong(lab))
        if done.going.results:
            size = size_text(done.going.size)
            log.info("removed %d results, which frees %s", done.going.results, size)
        if records := await build_upkeep.tidy(kept):
            log.info("removed %d records of builds", records)
    if not await lab.bus.pending_events() and await _taken(lab, LEFTOVERS, DAY):
        gone = await remove_leftovers(kept)
        if gone.objects:
            log.info("removed %d objects that nobody refers to: %s", gone.objects, size_text(gone.size))


async def _taken(lab: Lab, duty: str, every: int) -> bool:
    now = lab.now()
    due = await lab.db.read(lambda c: duties.due(c, duty))
    if due is not None and due > now:
        return False
    return await lab.db.write(lambda c: duties.take(c, duty, now, now + every))


async def _prolong(lab: Lab) -> None:
    """Who is at it keeps at it: another server takes over an hour after the last step."""
    until = lab.now() + _HOUR
    await lab.db.write(lambda c: duties.prolong(c, RESULTS, until))
