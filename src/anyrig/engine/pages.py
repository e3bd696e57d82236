"""Lists, page by page, and single things by their names, as clients look through them."""

from dataclasses import dataclass

from anyrig.core.errors import NotFound
from anyrig.core.filters import NEWEST_FIRST, Filter, Sort
from anyrig.core.nodes import Node
from anyrig.core.records import Job, NodeRecord, Result, Task
from anyrig.core.reservations import Reservation
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.engine.reads import seen
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql
from anyrig.storage.sql import reservations as reservations_sql
from anyrig.storage.sql import search
from anyrig.storage.sql import tasks as tasks_sql
from anyrig.storage.sql.search import Key

JobKey = tuple[int, int]
_LARGEST = 2**63 - 1
"""No number in the database is larger."""


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Some results, and where the next page goes on; None after the last."""

    results: list[Result]
    after: Key | None


@dataclass(frozen=True, slots=True)
class JobsPage:
    """Some jobs, the newest first, and where the next page goes on; None after the last."""

    jobs: list[Job]
    after: JobKey | None


@dataclass(frozen=True, slots=True)
class NodeStanding:
    """A node as it was enrolled, as placement sees it now, its present or last job, and its reservation."""

    record: NodeRecord
    now: Node
    job: Job | None
    reservation: Reservation | None = None


async def results_page(
    lab: Lab,
    who: Principal,
    wanted: Filter,
    limit: int,
    sort: Sort = NEWEST_FIRST,
    after: Key | None = None,
) -> ResultsPage:
    """At most ``limit`` results behind the key ``after``."""
    found = await lab.db.read(
        lambda c: search.page(c, wanted, sort, limit + 1, after=after, projects=who.projects)
    )
    kept = found[:limit]
    return ResultsPage(kept, search.key_of(kept[-1], sort) if kept and len(found) > limit else None)


async def jobs_page(
    lab: Lab, who: Principal, limit: int, before: JobKey | None = None, *, live: bool = False
) -> JobsPage:
    """At most ``limit`` jobs; a token for some projects sees only theirs, so a page may have fewer."""
    found = await lab.db.read(lambda c: jobs_sql.page(c, limit + 1, before, live=live))
    kept = found[:limit]
    last = (kept[-1].created, kept[-1].number) if kept and len(found) > limit else None
    return JobsPage([job for job in kept if who.sees(job.project)], last)


async def job_numbered(lab: Lab, who: Principal, number: int) -> Job:
    """Raises NotFound, Gone."""
    known = number <= _LARGEST
    found = await lab.db.read(lambda c: jobs_sql.by_number(c, number)) if known else None
    return seen(who, found, number)


async def tasks_of(lab: Lab, job: Job) -> list[Task]:
    """The job's tasks in order of their positions."""
    return await lab.db.read(lambda c: tasks_sql.of_job(c, job.number))


async def list_nodes(lab: Lab, who: Principal) -> list[NodeStanding]:
    """All nodes by name."""
    now = lab.now()
    return await lab.db.read(lambda c: _stand(c, who, nodes_sql.every(c), now))


async def find_node(lab: Lab, who: Principal, name: str) -> NodeStanding:
    """Raises NotFound."""
    now = lab.now()

    def work(connection: Connection) -> list[NodeStanding]:
        record = nodes_sql.by_name(connection, name)
        return _stand(connection, who, [record], now) if record else []

    for found in await lab.db.read(work):
        return found
    raise NotFound(what="node", name=name)


def _stand(connection: Connection, who: Principal, records: list[NodeRecord], now: int) -> list[NodeStanding]:
    only = records[0].name if len(records) == 1 else None
    nodes = {node.name: node for node in nodes_sql.for_placement(connection, now, only)}
    jobs = jobs_sql.of_nodes(connection, [record.name for record in records])
    seen = {name: job for name, job in jobs.items() if who.sees(job.project)}
    held = {each.node: each for each in reservations_sql.held(connection, now)}
    return [
        NodeStanding(record, nodes[record.name], seen.get(record.name), held.get(record.name))
        for record in records
    ]
