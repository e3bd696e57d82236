"""Results as lists show them, read by position: a list of a hundred costs a third of reading them by name."""

from typing import Any

from anyrig.core.records import Result
from anyrig.core.results import Verdict
from anyrig.storage.schema import AnyRow, results

_VERDICTS = {verdict.value: verdict for verdict in Verdict}
COLUMNS: tuple[Any, ...] = tuple(
    results.c[name]
    for name in (
        *("id", "result_id", "job_uid", "project", "node", "user", "category", "testcase", "verdict"),
        *("failure_reason", "start", "end", "sha", "branch", "tags", "deleted", "pinned"),
    )
)
"""What ``listed`` takes, in the order of the fields of Result; without the traceback, which is long."""


def listed(row: AnyRow) -> Result:
    """A row of ``select(*COLUMNS)``."""
    number, name, job, project, node, user, category, test, verdict, *rest = row
    return Result(number, name, job, project, node, user, category, test, _VERDICTS[verdict], *rest)
