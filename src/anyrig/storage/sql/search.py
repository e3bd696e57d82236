"""Lists of results: a filter and a sort order become one SELECT, walked page by page by key."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    UnaryExpression,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from anyrig.core.filters import (
    And,
    Everything,
    Filter,
    InRange,
    JobIs,
    JobUnder,
    NameLike,
    NameUnder,
    Not,
    Or,
    ReasonHas,
    ShaBegins,
    Sort,
    SortField,
    TagIs,
    TextIs,
    VerdictIs,
    Word,
)
from anyrig.core.records import Result
from anyrig.storage.schema import result_tags, results
from anyrig.storage.sql.listed import COLUMNS, listed

Key = tuple[int | str, ...]
"""The values of the sort columns of a row: where the next page goes on."""
_BY_START = (results.c.start, results.c.id)
_COLUMNS: dict[SortField, tuple[ColumnElement[Any], ...]] = {
    SortField.DATE: _BY_START,
    SortField.DURATION: (results.c.duration, results.c.id),
    SortField.CATEGORY: (results.c.category, *_BY_START),
    SortField.JOB: (results.c.job_uid, *_BY_START),
    SortField.TESTCASE: (results.c.testcase, *_BY_START),
    SortField.RESULT: (results.c.verdict, *_BY_START),
}
_RANGES = {"date": results.c.start, "duration": results.c.duration}


def page(
    connection: Connection,
    wanted: Filter,
    sort: Sort,
    limit: int,
    after: Key | None = None,
    projects: frozenset[str] | None = None,
) -> list[Result]:
    """At most ``limit`` results behind the key ``after``; of these projects only, None for all."""
    columns = _COLUMNS[sort.field]
    statement = select(*COLUMNS).where(results.c.deleted.is_(None), condition(wanted))
    if projects is not None:
        statement = statement.where(results.c.project.in_(sorted(projects)))
    if after is not None:
        behind = tuple_(*columns) < tuple_(*after) if sort.descending else tuple_(*columns) > tuple_(*after)
        statement = statement.where(behind)
    order = [_ordered(column, descending=sort.descending) for column in columns]
    return [listed(row) for row in connection.execute(statement.order_by(*order).limit(limit))]


def tracebacks(connection: Connection, numbers: list[int]) -> dict[int, str | None]:
    """The tracebacks of these results: lists leave them out, they are long."""
    statement = select(results.c.id, results.c.traceback).where(results.c.id.in_(numbers))
    return {row.id: row.traceback for row in connection.execute(statement)}


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


def condition(wanted: Filter) -> ColumnElement[bool]:
    """The filter as a WHERE."""
    match wanted:
        case Everything():
            return true()
        case And(parts):
            return and_(*map(condition, parts))
        case Or(parts):
            return or_(*map(condition, parts))
        case Not(part):
            return not_(func.coalesce(condition(part), false()))
        case _:
            return _term(wanted)


def _term(term: Filter) -> ColumnElement[bool]:  # noqa: C901, PLR0911 - one case a kind of term
    match term:
        case JobIs(uid):
            return results.c.job_uid == uid
        case JobUnder(prefix):
            return _below(results.c.job_uid, f"{prefix}/")
        case NameUnder(name):
            column = results.c.testcase
            return or_(column == name, _below(column, f"{name}/"), _below(column, f"{name}::"))
        case NameLike(pattern):
            return _like(results.c.testcase, pattern)
        case TextIs(field, value):
            return results.c[field] == value
        case ReasonHas(text):
            return _contains(results.c.failure_reason, text)
        case ShaBegins(prefix):
            return _below(results.c.sha, prefix)
        case VerdictIs(verdict):
            return results.c.verdict == verdict.value
        case InRange(field, least, below):
            return _between(_RANGES[field], least, below)
        case TagIs(name, value):
            return _tagged(name, value)
        case Word(text):
            places = (results.c.testcase, results.c.failure_reason, results.c.category)
            return or_(*(_contains(column, text) for column in places))
    raise TypeError(term)


def _below(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Begins with ``prefix``, as a range of an index: bytes compare like code points."""
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))


def _like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """``*`` stands for any text; letters are told apart, so GLOB and LIKE need help from a range."""
    pieces = pattern.split("*")
    escaped = "%".join(_escaped(piece) for piece in pieces)
    likeness = column.like(escaped, escape="\\")
    return and_(_below(column, pieces[0]), likeness) if pieces[0] else likeness


def _contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return column.ilike(f"%{_escaped(text)}%", escape="\\")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _between(column: ColumnElement[int], least: int | None, below: int | None) -> ColumnElement[bool]:
    bounds = [column >= least] if least is not None else []
    return and_(*bounds, *([column < below] if below is not None else []))


def _tagged(name: str, value: str | None) -> ColumnElement[bool]:
    tagged = and_(result_tags.c.result == results.c.id, result_tags.c.name == name)
    return exists().where(tagged if value is None else and_(tagged, result_tags.c.value == value))


def _ordered(column: ColumnElement[Any], *, descending: bool) -> UnaryExpression[Any]:
    return column.desc() if descending else column.asc()
