"""What all answers of this dialect share: statuses, times, and where things are."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from anyrig.core.errors import (
    AnyrigError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ReservationOver,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

STATUS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Unauthenticated, 403),  # its clients take 401 for nothing, and 403 for a token that is to be replaced
    (Forbidden, 403),
    (NotFound, 404),
    (Gone, 410),
    (ReservationOver, 400),  # as the document says of extending one
    (Conflict, 409),
    (TooManyRequests, 429),
    (Invalid, 400),
    (Unavailable, 503),
    (AnyrigError, 500),
)
ZULU = "Z"
OFFSET = "+00:00"
"""How the document's examples of nodes and reservations end a time; all others end it with ``ZULU``."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Json = dict[str, Any]


def status_of(error: AnyrigError) -> int:
    """The HTTP status for an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def sentence_of(error: AnyrigError) -> bytes:
    """The body for an error, in UTF-8: clients print it in the middle of a line of their own."""
    return str(error).encode("utf-8", "replace")


def headers_of(error: AnyrigError) -> dict[str, str]:
    """``Retry-After`` in whole seconds when the client has to slow down."""
    if not isinstance(error, TooManyRequests):
        return {}
    return {"retry-after": str(math.ceil(float(str(error.fields["seconds"]))))}


def moment(microseconds: int, utc: str = ZULU, precision: str = "microseconds") -> str:
    """``2015-05-28T14:46:35.354791Z`` of microseconds since the epoch; ``precision``: see ``isoformat``."""
    when = _EPOCH + timedelta(0, 0, microseconds)  # by position: half the time, and a list has thousands
    return when.isoformat(timespec=precision).removesuffix(OFFSET) + utc


def flag(text: str | None) -> bool:
    """A yes or no in a query; what is neither is a no."""
    return (text or "").lower() in {"true", "1", "yes"}
