"""Exit codes: one table for our own errors, one for a server's refusals, one for results."""

from collections.abc import Mapping
from typing import Any

from anyrig.core.errors import (
    AnyrigError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)

OK = 0
NOT_PASSED = 1
USAGE = 2
FAILED = 3
LAB_FAILED = 8
STILL_RUNNING = 9
INTERRUPTED = 130

_OF_ERRORS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Unauthenticated, 7),
    (Forbidden, 5),
    (NotFound, 4),
    (Conflict, 10),
    (Invalid, USAGE),
    (AnyrigError, FAILED),
)
_OF_STATUSES = {400: USAGE, 401: 7, 403: 5, 404: 4, 409: 10, 410: 4, 422: 10}


class Refused(Exception):
    """The server said no, or nothing; the text is a sentence, ``problem`` all that the server said."""

    def __init__(
        self, sentence: str, status: int | None = None, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.problem = problem or {}


def exit_code(error: AnyrigError | Refused) -> int:
    if isinstance(error, Refused):
        return _OF_STATUSES.get(error.status or 0, FAILED)
    return next(code for kind, code in _OF_ERRORS if isinstance(error, kind))


def of_job(job: dict[str, Any]) -> int:
    """The exit code for a job as the API shows it: a failure counts more than an error of the lab."""
    if not job["over"]:
        return STILL_RUNNING
    return {"pass": OK, "fail": NOT_PASSED}.get(job["verdict"], LAB_FAILED)
