"""What clients ask for."""

import asyncio
import logging
from dataclasses import dataclass

from anyrig.core.errors import Gone, NotFound
from anyrig.core.nodes import is_online
from anyrig.core.records import Job
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql

log = logging.getLogger(__name__)
_ANSWER_SECONDS = 5.0


async def job(lab: Lab, who: Principal, uid: str) -> Job:
    """Raises NotFound, Gone."""
    return seen(who, await lab.db.read(lambda c: jobs_sql.by_uid(c, uid)), uid)


def seen(who: Principal, found: Job | None, name: object) -> Job:
    """What was found, if there is such a job for those who ask. Raises NotFound, Gone."""
    if found is None or not who.sees(found.project):
        raise NotFound(what="job", name=name)
    if found.deleted is not None:
        raise Gone(what="job", name=name)
    return found


async def over_within(lab: Lab, who: Principal, uid: str, seconds: float) -> bool:
    """Whether the job is over before ``seconds`` have passed; returns as soon as it is.

    Raises:
        NotFound: There is no such job.
    """
    with lab.waiters.waiting(uid) as wait:
        return (await job(lab, who, uid)).is_over or await wait(seconds)


async def wait_for_job(lab: Lab, who: Principal, uid: str, seconds: float) -> Job:
    """The job once it is over, or as it is after ``seconds``. Raises NotFound."""
    await over_within(lab, who, uid, seconds)
    return await job(lab, who, uid)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of what; keys are states."""

    jobs: dict[str, int]
    nodes: dict[str, int]


async def tally(lab: Lab) -> Tally:
    """The lab in numbers, for those who watch it."""
    now = lab.now()
    jobs = await lab.db.read(jobs_sql.count_live)
    nodes = await lab.db.read(nodes_sql.every)
    online = sum(is_online(node.seen, now) for node in nodes)
    return Tally(jobs, {"online": online, "offline": len(nodes) - online})


async def missing_parts(lab: Lab) -> list[str]:
    """Which of the server's parts do not answer."""
    missing = [] if lab.bus.connected else ["message bus"]
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await lab.db.read(jobs_sql.count_live)
    except Exception:
        log.exception("the database does not answer")
        missing.append("database")
    return missing
