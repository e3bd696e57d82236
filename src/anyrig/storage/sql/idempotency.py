"""Jobs by the key that their client gave them."""

from sqlalchemy import Connection, select

from anyrig.core.records import Job
from anyrig.storage.schema import jobs
from anyrig.storage.sql.jobs import by_number

_AFTER_DOT = "/"


def by_prefix(connection: Connection, prefix: str) -> tuple[str, Job] | None:
    """The first job whose key begins with ``prefix`` and a dot, and that key."""
    statement = (
        select(jobs.c.id, jobs.c.idempotency)
        .where(jobs.c.idempotency >= f"{prefix}.", jobs.c.idempotency < f"{prefix}{_AFTER_DOT}")
        .order_by(jobs.c.id)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    job = by_number(connection, row.id) if row else None
    return (row.idempotency, job) if row and job else None
