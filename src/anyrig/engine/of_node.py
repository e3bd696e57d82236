"""The job of a node: the one that runs there, or else the last one that did."""

from anyrig.core.errors import NotFound
from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine.lab import Lab
from anyrig.engine.reads import wait_for_job
from anyrig.engine.stop import stop
from anyrig.storage import Connection
from anyrig.storage.sql import jobs as jobs_sql
from anyrig.storage.sql import nodes as nodes_sql


async def job_of_node(lab: Lab, who: Principal, node: str) -> Job | None:
    """None when the node never had a job, or the token may not see it.

    Raises:
        NotFound: There is no such node.
    """

    def work(connection: Connection) -> Job | None:
        if nodes_sql.agent_of(connection, node) is None:
            raise NotFound(what="node", name=node)
        return jobs_sql.of_node(connection, node)

    job = await lab.db.read(work)
    return job if job is not None and who.sees(job.project) else None


async def wait_for_node(lab: Lab, who: Principal, node: str, seconds: float) -> Job | None:
    """Its present job once that is over, or as it is after ``seconds``. Otherwise as ``job_of_node``."""
    job = await job_of_node(lab, who, node)
    return job if job is None else await wait_for_job(lab, who, job.uid, seconds)


async def stop_node(lab: Lab, who: Principal, node: str, seconds: float) -> Job | None:
    """Stop its present job as ``stop`` does. Otherwise as ``job_of_node``."""
    who.require(Role.OPERATOR, "stop jobs")
    job = await job_of_node(lab, who, node)
    return job if job is None else await stop(lab, who, job.uid, seconds)
