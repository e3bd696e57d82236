"""Groups of results that an index finds, as values, and the statements that they stand for.

A value is cheap to make and to compare, and a statement is neither: so statements are kept by their groups.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    column,
    func,
    literal,
    select,
    table,
    union_all,
)

from anyrig.core.filters import Filter, NameLike, NameUnder, ReasonHas, TagIs, TextIs, Word
from anyrig.storage.schema import names, reasons, result_reasons, result_tags, results
from anyrig.storage.sql.conditions import condition, contains, named_like, named_under, only_looked_at, tag_is

Place = Literal["testcase", "category", "reason"]
"""What has a text: a column of a result of which ``names`` has each text once, or a result's reason."""
_KEPT = 256
"""Statements of a sort that are kept."""
_TRIGRAM = 3
_TRIGRAMS = table("reasons_trigrams", column("rowid", Integer), column("reasons_trigrams", Text))
"""SQLite's index of the texts of reasons; a search names the table as if it were a column."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What a term says of a result itself, if an index serves it."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Within:
    """The results of some projects."""

    projects: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tagged:
    """Those with a tag."""

    part: TagIs


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts at a place that a term fits."""

    place: Place
    part: Filter
    by_trigrams: bool = False
    """SQLite is asked for its index of trigrams; PostgreSQL knows by itself whether its own helps."""


@dataclass(frozen=True, slots=True)
class Known:
    """Those that have one of these texts, which are named: a name, or the number of a reason."""

    place: Place
    keys: tuple[str | int, ...]


Group = Plain | Within | Tagged | Texts | Known
"""Of ``Texts``: the results that have one of them."""


@lru_cache(_KEPT)
def is_in(groups: tuple[Group, ...]) -> ColumnElement[bool]:
    """A result is in one of the groups."""
    match groups:
        case (Plain(part),):
            return condition(part)
        case (Within(projects),):
            return results.c.project.in_(sorted(projects))
    return results.c.id.in_(_ids(groups))


@lru_cache(_KEPT)
def count(groups: tuple[Group, ...]) -> Select[int]:
    """How many results are in them, counted up to the parameter ``most``; some are counted twice."""
    some = _ids(groups).limit(bindparam("most", type_=Integer)).subquery()
    return select(func.count()).select_from(some)


@lru_cache(_KEPT)
def texts(wanted: Texts) -> Select[Any]:
    """The texts, as ``Known`` has them; at most as many as the parameter ``most`` says."""
    return _texts(wanted).limit(bindparam("most", type_=Integer))


def _texts(wanted: Texts) -> Select[Any]:
    if wanted.place != "reason":
        return select(names.c.name).where(names.c.field == wanted.place, _name_is(wanted.part))
    match wanted.part:
        case TextIs(_, value):
            return select(reasons.c.id).where(reasons.c.text == value)
        case ReasonHas(text) | Word(text) if wanted.by_trigrams and len(text) >= _TRIGRAM:
            quoted = text.replace('"', '""')
            return select(_TRIGRAMS.c.rowid).where(_TRIGRAMS.c.reasons_trigrams.op("MATCH")(f'"{quoted}"'))
        case ReasonHas(text) | Word(text):
            return select(reasons.c.id).where(contains(reasons.c.text, text))
    raise TypeError(wanted)


def _name_is(part: Filter) -> ColumnElement[bool]:
    name = names.c.name
    match part:
        case NameLike(pattern):
            return named_like(name, pattern)
        case NameUnder(under):
            # One range of the index, and not three: ';' is behind '/' and ':'.
            near = and_(name >= under, name < f"{under};")
            return and_(near, only_looked_at(named_under(name, under)))
        case Word(text):
            return contains(name, text)
    raise TypeError(part)


def _ids(groups: tuple[Group, ...]) -> Select[Any]:
    match groups:
        case ():
            return select(results.c.id).where(literal(0) == literal(1))
        case (one,):
            return _ids_of(one)
    return select(union_all(*map(_ids_of, groups)).subquery().c[0])


def _ids_of(group: Group) -> Select[Any]:
    match group:
        case Tagged(part):
            return select(result_tags.c.result.label("id")).where(tag_is(part))
        case Known(place, keys):
            ids, key = _columns(place)
            return select(ids.label("id")).where(key.in_(keys))
        case Texts(place):
            ids, key = _columns(place)
            found = _texts(group)
            return found.with_only_columns(ids.label("id")).where(key == found.selected_columns[0])
    return select(results.c.id).where(is_in((group,)))


def _columns(place: Place) -> tuple[ColumnElement[int], ColumnElement[Any]]:
    """Where a result is told, and what it has there."""
    if place == "reason":
        return result_reasons.c.result, result_reasons.c.reason
    return results.c.id, results.c[place]
