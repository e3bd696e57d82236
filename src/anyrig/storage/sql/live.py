"""What those who follow a job look at, again and again."""

from sqlalchemy import Connection, select

from anyrig.core.records import Result
from anyrig.storage.schema import results
from anyrig.storage.sql.listed import COLUMNS, listed


def results_from(connection: Connection, task: int, seq: int) -> list[Result]:
    """The task's results from number ``seq`` on. Those of one task are committed in this order."""
    behind = (results.c.task == task, results.c.seq >= seq)
    statement = select(*COLUMNS).where(*behind).order_by(results.c.seq)
    return [listed(row) for row in connection.execute(statement)]
