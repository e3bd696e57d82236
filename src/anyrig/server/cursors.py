"""Where a page of a list ends, as a text that means nothing to clients."""

import base64
import binascii
from typing import Annotated

import msgspec

from anyrig.core.errors import BadField
from anyrig.core.filters import Sort, SortField

ResultKey = tuple[int | str, ...]
JobKey = tuple[int, int]
RecordKey = tuple[int, int]
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What a column holds."""
_SHAPES: dict[bool, type[tuple[int, int] | tuple[str, int, int]]] = {
    True: tuple[_Number, _Number],
    False: tuple[str, _Number, _Number],
}
_NUMERIC = {SortField.DATE, SortField.DURATION}


def of_results(sort: Sort, key: ResultKey | None) -> str | None:
    """None behind the last page."""
    return None if key is None else _packed([sort.field, sort.descending, *key])


def results_after(cursor: str, sort: Sort) -> ResultKey:
    """The key that ``of_results`` was given.

    Raises:
        BadField: The cursor is none of ours, or was made for another order.
    """
    try:
        field, descending, *rest = msgspec.json.decode(_unpacked(cursor), type=list[str | int | bool])
        if (field, descending) == (sort.field, sort.descending):
            return msgspec.convert(tuple(rest), _SHAPES[sort.field in _NUMERIC])
    except (ValueError, msgspec.MsgspecError):
        raise _refused() from None
    raise BadField(field="cursor", reason="it belongs to a list in another order")


def of_jobs(key: JobKey | None) -> str | None:
    """None behind the last page."""
    return None if key is None else _packed(list(key))


def jobs_before(cursor: str) -> JobKey:
    """The key that ``of_jobs`` was given. Raises BadField."""
    return _pair(cursor)


def of_records(key: RecordKey | None) -> str | None:
    """None behind the last page."""
    return None if key is None else _packed(list(key))


def records_before(cursor: str) -> RecordKey:
    """The key that ``of_records`` was given. Raises BadField."""
    return _pair(cursor)


def _pair(cursor: str) -> tuple[int, int]:
    try:
        at, number = msgspec.json.decode(_unpacked(cursor), type=tuple[_Number, _Number])
    except (ValueError, msgspec.MsgspecError):
        raise _refused() from None
    return at, number


def of_reservations(number: int | None) -> str | None:
    """None behind the last page."""
    return None if number is None else _packed([number])


def reservations_before(cursor: str) -> int:
    """The number that ``of_reservations`` was given. Raises BadField."""
    try:
        (number,) = msgspec.json.decode(_unpacked(cursor), type=tuple[_Number])
    except (ValueError, msgspec.MsgspecError):
        raise _refused() from None
    return number


def _packed(values: list[int | str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _unpacked(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
    except binascii.Error:
        raise _refused() from None


def _refused() -> BadField:
    return BadField(field="cursor", reason="it is none that a list has given")
