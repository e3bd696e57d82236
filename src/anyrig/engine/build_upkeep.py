"""What is said of builds goes when it is old, by the rule for results; and what nobody needs any more."""

from anyrig.core.retention import DAY
from anyrig.engine.retention import Kept
from anyrig.storage.sql import build_deliveries, build_records, builds

_BATCH = 1000
_FILES = 2 * DAY
"""For so long somebody may still have to be told by the extensions of a build that was removed."""
_DELIVERIES = 90 * DAY
"""A webhook that comes again after this time is a new one."""


async def tidy(kept: Kept) -> int:
    """How many records went."""
    now, gone = kept.now(), 0
    await kept.db.write(lambda c: builds.forget_files(c, now - _FILES))
    await kept.db.write(lambda c: build_deliveries.forget_before(c, now - _DELIVERIES))
    age = kept.rules.age
    if age is None:
        return 0
    while some := await kept.db.write(lambda c: build_records.remove_before(c, now - age, _BATCH)):
        gone += some
    return gone
