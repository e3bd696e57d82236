"""A filter as a WHERE: what it means, and nothing about how it is found quickly."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, true

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
    TagIs,
    TextIs,
    VerdictIs,
    Word,
)
from anyrig.storage.schema import result_tags, results

_RANGES = {"date": results.c.start, "duration": results.c.duration}


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
            return named_under(results.c.testcase, name)
        case NameLike(pattern):
            return named_like(results.c.testcase, pattern)
        case TextIs(field, value):
            return results.c[field] == value
        case ReasonHas(text):
            return contains(results.c.failure_reason, text)
        case ShaBegins(prefix):
            return _below(results.c.sha, prefix)
        case VerdictIs(verdict):
            return results.c.verdict == verdict.value
        case InRange(field, least, below):
            return _between(_RANGES[field], least, below)
        case TagIs():
            return exists().where(result_tags.c.result == results.c.id, only_looked_at(tag_is(term)))
        case Word(text):
            places = (results.c.testcase, results.c.failure_reason, results.c.category)
            return or_(*(contains(column, text) for column in places))
    raise TypeError(term)


def only_looked_at(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    """Means the same, and no database takes an index for it, and with it another way."""
    return func.coalesce(clause, false())


def named_under(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The test of this name, or one of those in it."""
    return or_(column == name, _below(column, f"{name}/"), _below(column, f"{name}::"))


def named_like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """``*`` stands for any text; letters are told apart, so GLOB and LIKE need help from a range."""
    pieces = pattern.split("*")
    escaped = "%".join(_escaped(piece) for piece in pieces)
    likeness = column.like(escaped, escape="\\")
    return and_(_below(column, pieces[0]), likeness) if pieces[0] else likeness


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Capital and small letters count as the same, as far as the database knows them."""
    return column.ilike(f"%{_escaped(text)}%", escape="\\")


def tag_is(term: TagIs) -> ColumnElement[bool]:
    """Of the tags' own table."""
    named = result_tags.c.name == term.name
    return named if term.value is None else and_(named, result_tags.c.value == term.value)


def _below(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Begins with ``prefix``, as a range of an index: bytes compare like code points."""
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _between(column: ColumnElement[int], least: int | None, below: int | None) -> ColumnElement[bool]:
    bounds = [column >= least] if least is not None else []
    return and_(*bounds, *([column < below] if below is not None else []))
