"""The orders of results: which columns they are of, and which index has them in that order."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Index, Tuple, UnaryExpression, bindparam, func, tuple_

from anyrig.core.filters import Sort, SortField
from anyrig.core.records import Result
from anyrig.storage.schema import results

Key = tuple[int | str, ...]
"""The values of the sort columns of a row: where the next page goes on."""
Parameters = dict[str, int | str]
"""Keys that a statement is given when it is run: so the same statement serves every page."""
_BY_START = ("start", "id")
_NAMES: dict[SortField, tuple[str, ...]] = {
    SortField.DATE: _BY_START,
    SortField.DURATION: ("duration", "id"),
    SortField.CATEGORY: ("category", *_BY_START),
    SortField.JOB: ("job_uid", *_BY_START),
    SortField.TESTCASE: ("testcase", *_BY_START),
    SortField.RESULT: ("verdict", *_BY_START),
}


def _indexed(index: Index) -> tuple[str, ...]:
    return tuple(column.name for column in index.columns)


_INDEXES = frozenset(
    _indexed(index) for index in results.indexes if index.dialect_options["sqlite"]["where"] is None
)


def key_names(sort: Sort) -> tuple[str, ...]:
    """The columns of the order, the first to be compared first."""
    return _NAMES[sort.field]


def first_column(sort: Sort, fixed: frozenset[str]) -> str:
    """What the rows are in order of where the columns ``fixed`` are all the same."""
    return next(name for name in _NAMES[sort.field] if name not in fixed)


def ordering(sort: Sort, fixed: frozenset[str] = frozenset()) -> list[UnaryExpression[Any]]:
    """For ORDER BY, of rows where the columns ``fixed`` are all the same."""
    columns = key_columns(sort, fixed)
    return [column.desc() if sort.descending else column.asc() for column in columns]


def sorting(sort: Sort) -> list[UnaryExpression[Any]]:
    """As ``ordering``, in a way that no index has: for few rows that are to be found in another way."""
    columns = [func.coalesce(column, column) for column in key_columns(sort)]
    return [column.desc() if sort.descending else column.asc() for column in columns]


def beyond(sort: Sort, fixed: frozenset[str] = frozenset()) -> ColumnElement[bool]:
    """Rows behind the key ``after``, which is a parameter."""
    columns, there = _compared(sort, "after", fixed)
    return columns < there if sort.descending else columns > there


def up_to(sort: Sort, fixed: frozenset[str]) -> ColumnElement[bool]:
    """Rows before the key ``end``, which is a parameter, and the one that has it."""
    columns, there = _compared(sort, "end", fixed)
    return columns >= there if sort.descending else columns <= there


def parameters(name: str, key: Key) -> Parameters:
    """The key as the parameter of this name."""
    return {f"{name}_{number}": value for number, value in enumerate(key)}


def key_columns(sort: Sort, fixed: frozenset[str] = frozenset()) -> list[ColumnElement[Any]]:
    return [results.c[name] for name in _NAMES[sort.field] if name not in fixed]


def _compared(sort: Sort, name: str, fixed: frozenset[str]) -> tuple[Tuple, Tuple]:
    given = [
        bindparam(f"{name}_{number}", type_=results.c[column].type)
        for number, column in enumerate(_NAMES[sort.field])
        if column not in fixed
    ]
    return tuple_(*key_columns(sort, fixed)), tuple_(*given)


def key_of(found: Result, sort: Sort) -> Key:
    """Where the page that ends with this result ends."""
    by_start = (found.start, found.number)
    match sort.field:
        case SortField.DATE:
            return by_start
        case SortField.DURATION:
            return (found.end - found.start, found.number)
        case SortField.CATEGORY:
            return (found.category, *by_start)
        case SortField.JOB:
            return (found.job_uid, *by_start)
        case SortField.TESTCASE:
            return (found.testcase, *by_start)
        case SortField.RESULT:
            return (found.verdict, *by_start)


@cache
def fixed_by_index(equal: frozenset[str], sort: Sort) -> frozenset[str]:
    """The most of the columns ``equal``, each held to one value, within which an index has the order."""
    wanted = _NAMES[sort.field]
    fits = (_fixed(index, equal, wanted) for index in _INDEXES)
    return max((fixed for fixed in fits if fixed is not None), key=_rank)


def _fixed(index: tuple[str, ...], equal: frozenset[str], wanted: tuple[str, ...]) -> frozenset[str] | None:
    for count in reversed(range(len(index))):
        fixed = frozenset(index[:count])
        if fixed <= equal and index[count:] == tuple(name for name in wanted if name not in fixed):
            return fixed
    return None


_PICKY = ("job_uid", "testcase", "sha", "node", "category", "user", "project", "verdict")
"""A column that fewer results share a value of comes first."""


def _rank(fixed: frozenset[str]) -> tuple[int, int]:
    return len(fixed), -min((_PICKY.index(name) for name in fixed), default=0)
