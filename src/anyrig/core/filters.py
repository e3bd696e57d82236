"""Which results are wanted, and in which order: filters and sort orders as values.

``engine.filter_grammar`` reads a filter from text, storage translates it into SQL, and ``to_text`` prints it
in one canonical form that reads back as the same filter. Every date and every duration is already a half-open
range of microseconds, so to evaluate a filter is nothing but to compare.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from anyrig.core.errors import BadField
from anyrig.core.results import Verdict

TextField = Literal["category", "testcase", "node", "user", "failure_reason"]
RangeField = Literal["date", "duration"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every result; what an empty text says."""


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more filters."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more filters."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """All results but those of a filter.

    A value that is missing matches no term. So ``NOT failure_reason:x`` takes in results without a reason.
    """

    part: "Filter"


@dataclass(frozen=True, slots=True)
class JobIs:
    """The results of one job."""

    uid: str
    """``/node/XXXX/N``."""


@dataclass(frozen=True, slots=True)
class JobUnder:
    """The results of all jobs whose uid begins with ``prefix`` and a slash."""

    prefix: str
    """``/node`` or ``/node/XXXX``, without a slash at the end."""


@dataclass(frozen=True, slots=True)
class NameUnder:
    """The test of this name, or any test whose name begins with it and then ``/`` or ``::``."""

    name: str
    """Without ``*`` and without ``/`` or ``::`` at the end."""


@dataclass(frozen=True, slots=True)
class NameLike:
    """The tests whose whole name is like ``pattern``, where each ``*`` stands for any text, even none."""

    pattern: str


@dataclass(frozen=True, slots=True)
class TextIs:
    """The field is this text exactly, capital and small letters told apart."""

    field: TextField
    value: str


@dataclass(frozen=True, slots=True)
class ReasonHas:
    """The failure reason contains the text; capital and small letters count as the same."""

    text: str


@dataclass(frozen=True, slots=True)
class ShaBegins:
    """The commit of the test pack begins with these 1 to 64 hexadecimal digits, in small letters."""

    prefix: str


@dataclass(frozen=True, slots=True)
class VerdictIs:
    """The result has this verdict."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class InRange:
    """``least <= field < below``, in microseconds; ``None`` is no bound, and at least one bound is given.

    ``date`` is when the test started, counted from the epoch in UTC; ``duration`` is how long it ran. Bounds
    lie within ``LIMITS``.
    """

    field: RangeField
    least: int | None
    below: int | None


@dataclass(frozen=True, slots=True)
class TagIs:
    """The result has a tag of this name with exactly this value; ``None`` is any value, or no value."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Word:
    """The test's name, the failure reason or the category contains the text, in capital or small letters."""

    text: str


FieldTerm = (
    JobIs | JobUnder | NameUnder | NameLike | TextIs | ReasonHas | ShaBegins | VerdictIs | InRange | TagIs
)
Term = FieldTerm | Word
Filter = Everything | And | Or | Not | Term

LIMITS: dict[RangeField, tuple[int, int]] = {
    "date": (-62_135_596_800_000_000, 253_402_300_799_999_999),
    "duration": (0, 2**63 - 1),
}
"""The least and the greatest bound of a range: the years 1 to 9999, and what a database's column holds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./@%*-][A-Za-z0-9_./@%*:=\[\]-]*")
_PLAIN_WORD = re.compile(r"(?!(?:AND|OR|NOT)$)[A-Za-z0-9_./][A-Za-z0-9_./-]*")


def to_text(wanted: Filter) -> str:
    """The filter in canonical form, which reads back as the same filter in any time zone and at any time."""
    return "" if isinstance(wanted, Everything) else _text(wanted)


def _text(wanted: Filter) -> str:
    match wanted:
        case Everything():
            return "()"
        case And(parts):
            return " ".join(map(_part, parts))
        case Or(parts):
            return " OR ".join(map(_part, parts))
        case Not(part):
            return f"NOT {_part(part)}"
        case Word(text):
            return _quoted_unless(_PLAIN_WORD, text)
        case _:
            field, value = _field_and_value(wanted)
            return f"{field}:{value}"


def _part(wanted: Filter) -> str:
    return f"({_text(wanted)})" if isinstance(wanted, And | Or) else _text(wanted)


def _field_and_value(term: FieldTerm) -> tuple[str, str]:  # noqa: PLR0911 - one return a kind of term
    match term:
        case JobIs(text) | JobUnder(text):
            return "job", _value(text)
        case NameUnder(text) | NameLike(text):
            return "testcase", _value(text)
        case TextIs("testcase" | "failure_reason" as field, text):
            return field, f"={_value(text)}"
        case TextIs(field, text):
            return field, _value(text)
        case ReasonHas(text):
            return "failure_reason", _value(text)
        case ShaBegins(text):
            return "sha", text
        case VerdictIs(verdict):
            return "result", verdict.value
        case InRange(field, least, below):
            return field, _range(*(_bound(field, bound) for bound in (least, below)))
        case _:
            return "tag", _value(term.name if term.value is None else f"{term.name}={term.value}")


def _value(text: str) -> str:
    return _quoted_unless(_PLAIN_VALUE, text)


def _quoted_unless(plain: re.Pattern[str], text: str) -> str:
    if plain.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _range(least: str, below: str) -> str:
    if not least:
        return f"<{below}"
    return f"{least}..{below}" if below else f">={least}"


def _bound(field: RangeField, bound: int | None) -> str:
    if bound is None:
        return ""
    return _moment(bound) if field == "date" else _seconds(bound)


def _moment(bound: int) -> str:
    return (_EPOCH + timedelta(microseconds=bound)).isoformat().removesuffix("+00:00") + "Z"


def _seconds(bound: int) -> str:
    whole, rest = divmod(bound, _SECOND)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)


class SortField(StrEnum):
    """What results can be sorted by (stb-tester REST API v2, ``GET /results``)."""

    CATEGORY = "category"
    DATE = "date"
    DURATION = "duration"
    JOB = "job"
    TESTCASE = "testcase"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of results."""

    field: SortField
    descending: bool


NEWEST_FIRST = Sort(SortField.DATE, descending=True)
"""The order when none is asked for."""


def parse_sort(text: str) -> Sort:
    """The order that ``date:desc`` and the like stand for.

    Raises:
        BadField: It is not a field to sort by, a colon, and ``asc`` or ``desc``.
    """
    field, _, direction = text.partition(":")
    if field not in set(SortField) or direction not in {"asc", "desc"}:
        reason = f"{text[:60]!r} is not one of {', '.join(SortField)} with ':asc' or ':desc' behind it"
        raise BadField(field="sort", reason=reason)
    return Sort(SortField(field), descending=direction == "desc")
