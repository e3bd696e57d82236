"""Lists of results: a filter and a sort order become one SELECT, walked page by page by key.

No database finds the quick way by itself: how many rows a filter lets through, and where in the order they
lie, is not in its statistics. So the way is chosen here, by looking:

* An index has the order within what the filter holds fast (one category, one test): walk it.
* Some term of the filter has few results by an index: take these, and sort them.
* Either of a few terms will do: search for each by itself, and merge what is found.
* Else the results that are wanted may be frequent: walk the order for a stretch, and see.
* They are not: take the results of the term that has the fewest after all, however many.

To put a statement together takes longer than to run it, and the same come again and again: they are kept.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from anyrig.core.filters import (
    And,
    Everything,
    Filter,
    InRange,
    JobIs,
    NameLike,
    NameUnder,
    Not,
    Or,
    Sort,
    TextIs,
    VerdictIs,
)
from anyrig.core.records import Result
from anyrig.core.results import Verdict
from anyrig.storage.schema import results
from anyrig.storage.sql import candidates, orders
from anyrig.storage.sql.conditions import condition, only_looked_at
from anyrig.storage.sql.groups import Group, is_in
from anyrig.storage.sql.listed import COLUMNS, listed
from anyrig.storage.sql.orders import Key, Parameters, key_of

__all__ = ["Key", "key_of", "page", "tracebacks"]

_FEW = 5_000
"""Results that are quickly fetched and sorted."""
_STRETCH = 5_000
"""Results that are quickly walked over."""
_MANY = 200_000
"""Results that are fetched and sorted if there is no better way."""
_CASES = 4
"""So many searches are made instead of one that is slow."""
_RANGES = {"date": "start", "duration": "duration"}
_KEPT = 256
"""Statements of a sort that are kept."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question: everything that a row has to fulfil, and the page that is wanted."""

    parts: tuple[Filter, ...]
    projects: frozenset[str] | None
    sort: Sort
    limit: int
    continued: bool
    """It goes on behind the key ``after``, which is a parameter of its statements."""


def page(
    connection: Connection,
    wanted: Filter,
    sort: Sort,
    limit: int,
    after: Key | None = None,
    projects: frozenset[str] | None = None,
) -> list[Result]:
    """At most ``limit`` results behind the key ``after``; of these projects only, None for all."""
    parts = _resolved(connection, _parts(wanted))
    if parts is None:
        return []
    key = {} if after is None else orders.parameters("after", after)
    return _found(connection, _Asked(parts, projects, sort, limit, after is not None), key)


def tracebacks(connection: Connection, numbers: list[int]) -> dict[int, str | None]:
    """The tracebacks of these results: lists leave them out, they are long."""
    statement = select(results.c.id, results.c.traceback).where(results.c.id.in_(numbers))
    return {row.id: row.traceback for row in connection.execute(statement)}


def _parts(wanted: Filter) -> tuple[Filter, ...]:
    """What must all be true."""
    match wanted:
        case Everything():
            return ()
        case And(parts):
            return tuple(each for part in parts for each in _parts(part))
    return (wanted,)


def _resolved(connection: Connection, parts: tuple[Filter, ...]) -> tuple[Filter, ...] | None:
    """Of tests' names that fit just one test, its name; None when there is no such test."""
    resolved: list[Filter] = []
    for part in parts:
        if isinstance(part, NameUnder | NameLike):
            found = candidates.names_of(connection, part)
            if not found:
                return None
            resolved.append(TextIs("testcase", str(found[0])) if len(found) == 1 else part)
        else:
            resolved.append(part)
    return tuple(resolved)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way through an index that has the order."""

    fixed: frozenset[str]
    """The columns that are the same all along it."""
    served: tuple[Filter, ...]
    """What holds all along it."""
    rest: tuple[Filter, ...]
    """What has to be looked at row by row."""


def _found(connection: Connection, asked: _Asked, key: Parameters) -> list[Result]:
    walk = _walk(asked)
    if not walk.rest and (asked.projects is None or "project" in walk.fixed):
        return _rows(connection, _along(asked), key)
    few = candidates.fewest(connection, asked.parts, _FEW, asked.projects)
    if few is not None:
        return _rows(connection, _among(asked, few.groups), key)
    cases = _cases(asked)
    if cases:
        return _merged([_found(connection, case, key) for case in cases], asked)
    return _searched(connection, asked, key)


def _cases(asked: _Asked) -> list[_Asked]:
    """A question with one OR, as questions without it; none if there is not just one, or it is long."""
    choices = {number: _choices(part) for number, part in enumerate(asked.parts)}
    chosen = [(number, parts) for number, parts in choices.items() if parts]
    if len(chosen) != 1 or len(chosen[0][1]) > _CASES:
        return []
    number, parts = chosen[0]
    others = asked.parts[:number] + asked.parts[number + 1 :]
    return [replace(asked, parts=(*others, *_parts(part))) for part in parts]


def _choices(part: Filter) -> tuple[Filter, ...]:
    match part:
        case Or(parts):
            return parts
        case Not(VerdictIs(verdict)):
            return tuple(VerdictIs(other) for other in Verdict if other is not verdict)
    return ()


def _merged(pages: list[list[Result]], asked: _Asked) -> list[Result]:
    found = {result.number: result for page in pages for result in page}
    ordered = sorted(
        found.values(), key=lambda result: key_of(result, asked.sort), reverse=asked.sort.descending
    )
    return ordered[: asked.limit]


def _searched(connection: Connection, asked: _Asked, key: Parameters) -> list[Result]:
    """No term has few results."""
    end = connection.execute(_end_of_stretch(asked), key).first()
    if end is None:
        return _rows(connection, _along(asked), key)
    found = _rows(connection, _stretch(asked), key | orders.parameters("end", tuple(end)))
    if len(found) == asked.limit:
        return found
    many = candidates.fewest(connection, asked.parts, _MANY, asked.projects)
    return _rows(connection, _along(asked) if many is None else _among(asked, many.groups), key)


@lru_cache(_KEPT)
def _walk(asked: _Asked) -> _Walk:
    held = frozenset(column for column, _ in filter(None, map(_held, asked.parts)))
    if asked.projects is not None and len(asked.projects) == 1:
        held |= {"project"}
    fixed = orders.fixed_by_index(held, asked.sort)
    order = orders.first_column(asked.sort, fixed)
    served = tuple(part for part in asked.parts if _is_served(part, fixed, order))
    return _Walk(fixed, served, tuple(part for part in asked.parts if part not in served))


@lru_cache(_KEPT)
def _along(asked: _Asked) -> Select[Any]:
    walk = _walk(asked)
    checked = _checked(asked, walk.rest)
    if asked.continued and walk.fixed:
        checked.append(only_looked_at(orders.beyond(asked.sort)))
    statement = select(*COLUMNS).where(results.c.deleted.is_(None), *checked)
    return _onward(statement, asked, walk).limit(asked.limit)


@lru_cache(_KEPT)
def _end_of_stretch(asked: _Asked) -> Select[Any]:
    """The key of the last row of a stretch of the way; there is none if the way ends before."""
    return _onward(select(*orders.key_columns(asked.sort)), asked, _walk(asked)).offset(_STRETCH).limit(1)


@lru_cache(_KEPT)
def _stretch(asked: _Asked) -> Select[Any]:
    """The way up to the key ``end``, a parameter."""
    return _along(asked).where(orders.up_to(asked.sort, _walk(asked).fixed))


def _onward(statement: Select[Any], asked: _Asked, walk: _Walk) -> Select[Any]:
    if "project" in walk.fixed:
        statement = statement.where(results.c.project.in_(sorted(asked.projects or ())))
    ordered = statement.where(*map(condition, walk.served)).order_by(*orders.ordering(asked.sort, walk.fixed))
    return ordered.where(orders.beyond(asked.sort, walk.fixed)) if asked.continued else ordered


@lru_cache(_KEPT)
def _among(asked: _Asked, found: tuple[Group, ...]) -> Select[Any]:
    statement = select(*COLUMNS).where(
        is_in(found), results.c.deleted.is_(None), *_checked(asked, asked.parts)
    )
    if asked.continued:
        statement = statement.where(only_looked_at(orders.beyond(asked.sort)))
    return statement.order_by(*orders.sorting(asked.sort)).limit(asked.limit)


def _checked(asked: _Asked, parts: tuple[Filter, ...]) -> list[ColumnElement[bool]]:
    """What is looked at row by row."""
    checked = [only_looked_at(condition(part)) for part in parts]
    if asked.projects is not None:
        checked.append(only_looked_at(results.c.project.in_(sorted(asked.projects))))
    return checked


def _is_served(part: Filter, fixed: frozenset[str], order: str) -> bool:
    if isinstance(part, InRange):
        return _RANGES[part.field] == order
    held = _held(part)
    return held is not None and held[0] in fixed


def _held(part: Filter) -> tuple[str, str] | None:
    """The column that the term holds to one value, and the value."""
    match part:
        case JobIs(uid):
            return "job_uid", uid
        case VerdictIs(verdict):
            return "verdict", verdict.value
        case TextIs(field, value) if field != "failure_reason":
            return field, value
    return None


def _rows(connection: Connection, statement: Select[Any], key: Parameters) -> list[Result]:
    return [listed(row) for row in connection.execute(statement, key).all()]
