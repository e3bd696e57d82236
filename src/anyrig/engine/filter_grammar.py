"""Reads a filter of results from text, as people type it into the search box and as clients send it.

``category:nightly testcase:tests/epg.py (result:fail OR result:error) date:>=2024-08-24 -tag:flaky`` is one.
What stb-tester's clients send is valid: unquoted uids, operators behind the colon, dates in quotes, with a
zone or without, and a space for AND.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from anyrig.core import filters
from anyrig.core.errors import BadFilter
from anyrig.core.results import Verdict

FIELDS = "job, category, testcase, result, date, duration, node, user, tag, failure_reason, sha"
MAX_LENGTH = 10_000
"""Characters in a filter."""
MAX_DEPTH = 50
"""Levels of parentheses in each other, and levels of NOT, AND and OR in each other."""
MAX_TERMS = 200
"""SQLite allows an expression 1,000 levels, and a chain of terms takes one each."""

# A keyword ends at a space or a parenthesis, so that NOTHING and ORANGE are words. A name before '::' is the
# beginning of a test's name and not a field. Behind a date may stand a time after a space, because a '+' sent
# unescaped in a URL (between date and time, or before a zone) arrives as a space.
_GRAMMAR = r"""
start: any?
?any: all (_OR all)*
?all: one (_AND? one)*
?one: (_NOT | _MINUS) one -> negation
    | "(" any? ")" -> group
    | DATE WHEN -> term
    | FIELD VALUE -> term
    | WORD -> word

_AND.3: /AND(?![^\s()])/
_OR.3: /OR(?![^\s()])/
_NOT.3: /NOT(?![^\s()])/
_MINUS.3: /-(?=\S)/
DATE.2: /date:(?!:)(?:[<>]=?|=)?/i
FIELD.1: /[A-Za-z_][A-Za-z0-9_]*:(?!:)(?:[<>]=?|=)?/
WHEN: /\d{4}-\d\d-\d\d(?:T[^\s()"]*)?(?: \d\d:\d\d[^\s()"]*)+/i | VALUE
VALUE: /(?:[^\s()"]|"(?:[^"\\]|\\.)*")(?:[^\s)"]|"(?:[^"\\]|\\.)*")*/s
WORD: /(?!(?:AND|OR|NOT)(?![^\s()]))(?:[^\s()"-]|"(?:[^"\\]|\\.)*")(?:[^\s)"]|"(?:[^"\\]|\\.)*")*/s
%ignore /\s+/
"""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(:\d\d(?:\.(\d+))?)?)(Z|[ +-]\d\d:?\d\d)?", re.ASCII)
_AGO = re.compile(r"-(\d{1,6})([smhdw])", re.ASCII)
_DURATION = re.compile(r"(\d{1,15}(?:\.(\d{1,6}))?)([smh]?)", re.ASCII)
_SECOND = 1_000_000
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SHOWN = 60


class _Refused(Exception):
    """A term makes no sense; the message says why, and who catches it knows where the term stands."""


class _Here(NamedTuple):
    """Where and when a filter is read."""

    zone: ZoneInfo
    now: int


class _Span(NamedTuple):
    """What a date or a duration stands for: ``start <= x < end`` in microseconds."""

    start: int
    end: int
    day: bool
    """Operators take a day as a whole, but any finer time as its first microsecond."""


def parse(text: str, tz: str, now: int) -> filters.Filter:
    """The filter that a text stands for; an empty text is everything.

    ``tz`` names the zone of dates without one (IANA time zone database), ``now`` is in microseconds, UTC.

    Raises:
        BadFilter: The text or the zone makes no sense; the message says what and where.
    """
    here = _Here(_zone(tz), now)
    return _filter(_tree(text), here)


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise BadFilter(reason=f"there is no time zone {tz[:_SHOWN]!r}") from error


def _shown(text: str) -> str:
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _tree(text: str) -> Tree[Token]:
    if len(text) > MAX_LENGTH:
        raise BadFilter(reason=f"it has {len(text)} characters, and {MAX_LENGTH} are allowed")
    if bad := re.search("[\0\ud800-\udfff]", text):
        raise BadFilter(reason=f"at character {bad.start() + 1}: this is not text")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise BadFilter(reason=_complaint(error)) from error
    terms = sum(node.data in {"term", "word"} for node in tree.iter_subtrees())
    if terms > MAX_TERMS:
        raise BadFilter(reason=f"it has {terms} terms, and {MAX_TERMS} are allowed")
    return tree


def _complaint(error: UnexpectedInput) -> str:
    place = f"at character {(error.pos_in_stream or 0) + 1}"
    if not isinstance(error, UnexpectedToken):
        return f"{place}: a quote is not closed"
    if error.token.type != "$END":
        return f"{place}: {_shown(error.token)} is not expected here"
    if error.expected & {"VALUE", "WHEN"}:
        return "at the end: a field has no value"
    return "at the end: a '(' is not closed" if "RPAR" in error.expected else "at the end: a term is missing"


def _filter(node: Tree[Token], here: _Here, depth: int = 0, groups: int = 0) -> filters.Filter:
    if depth > MAX_DEPTH or groups > MAX_DEPTH:
        raise BadFilter(reason=f"it is nested too deeply; {MAX_DEPTH} levels are allowed")
    if node.data in {"term", "word"}:
        return _located_term([child for child in node.children if isinstance(child, Token)], here)
    below = (depth, groups + 1) if node.data == "group" else (depth + 1, groups)
    parts = tuple(_filter(child, here, *below) for child in node.children if isinstance(child, Tree))
    match node.data:
        case "any":
            return filters.Or(parts)
        case "all":
            return filters.And(parts)
        case "negation":
            return filters.Not(parts[0])
    return parts[0] if parts else filters.Everything()


def _located_term(tokens: list[Token], here: _Here) -> filters.Term:
    try:
        value = _value(tokens)
        if len(tokens) == 1:
            return filters.Word(value)
        name, _, operator = tokens[0].lower().partition(":")
        return _term(name, operator, value, here)
    except _Refused as refused:
        raise BadFilter(reason=f"at character {(tokens[0].start_pos or 0) + 1}: {refused}") from refused


def _value(tokens: list[Token]) -> str:
    if len(tokens) > 1 and tokens[0].end_pos != tokens[-1].start_pos:
        raise _Refused(f"the value must follow '{tokens[0]}' without a space")
    text = _QUOTED.sub(lambda quoted: re.sub(r'\\(["\\])', r"\1", quoted[1]), tokens[-1])
    if not text:
        raise _Refused("the text is empty")
    return text


def _term(name: str, operator: str, value: str, here: _Here) -> filters.Term:
    if name not in FIELDS.split(", "):
        hint = "put quotes around a text that contains ':'"
        raise _Refused(f"there is no field {_shown(name)}; the fields are {FIELDS}; {hint}")
    match name:
        case "date" | "duration":
            return _in_range(name, operator, value, here)
        case _ if operator not in {"", "="}:
            raise _Refused(f"'{operator}' works with date and duration only")
        case "category" | "node" | "user":
            return filters.TextIs(name, value)
        case "testcase":
            return filters.TextIs("testcase", value) if operator else _testcase(value)
        case "failure_reason":
            return filters.TextIs("failure_reason", value) if operator else filters.ReasonHas(value)
    return {"job": _job, "result": _result, "sha": _sha, "tag": _tag}[name](value)


def _job(value: str) -> filters.Term:
    parts = value.strip("/").split("/")
    if "" in parts:
        raise _Refused(f"{_shown(value)} is neither a job such as /node/0a23/972 nor a node such as /node")
    uid = "/" + "/".join(parts)
    return filters.JobIs(uid) if parts[2:] else filters.JobUnder(uid)


def _testcase(value: str) -> filters.Term:
    name = re.sub(r"(?:/|::)+\Z", "", value)
    if not name:
        raise _Refused(f"{_shown(value)} is not the name of a test, or the beginning of one")
    return filters.NameLike(value) if "*" in value else filters.NameUnder(name)


def _result(value: str) -> filters.Term:
    if value.lower() not in set(Verdict):
        raise _Refused(f"{_shown(value)} is not a result; results are pass, fail and error")
    return filters.VerdictIs(Verdict(value.lower()))


def _sha(value: str) -> filters.Term:
    if not re.fullmatch(r"[0-9a-fA-F]{1,64}", value):
        raise _Refused(f"{_shown(value)} is not the beginning of a commit's hexadecimal digits")
    return filters.ShaBegins(value.lower())


def _tag(value: str) -> filters.Term:
    name, equals, content = value.partition("=")
    if not name:
        raise _Refused(f"{_shown(value)} has no tag's name before the '='")
    return filters.TagIs(name, content if equals else None)


def _in_range(field: filters.RangeField, operator: str, value: str, here: _Here) -> filters.Term:
    first, last = filters.LIMITS[field]
    bounds = _bounds(field, operator, value, here)
    return filters.InRange(field, *(b if b is None else max(first, min(b, last)) for b in bounds))


def _bounds(field: str, operator: str, value: str, here: _Here) -> tuple[int | None, int | None]:
    read = _date if field == "date" else _duration
    first, dots, last = value.partition("..")
    span = read(first, here)
    if dots:
        until = read(last, here)
        below = until.end if until.day else until.start
        if operator or below < span.start:
            raise _Refused("a range is an earlier value, '..' and a later value, with no operator before it")
        return span.start, below
    after = span.end if span.day else span.start + 1
    match operator:
        case ">":
            return after, None
        case ">=":
            return span.start, None
        case "<":
            return None, span.start
        case "<=":
            return None, after
    if span.start == span.end:
        raise _Refused(f"{_shown(value)} takes no time; put '>' or '<' before it")
    return span.start, span.end


def _date(text: str, here: _Here) -> _Span:
    try:
        return _moment(text.upper(), here) if ":" in text else _day(text.lower(), here)
    except ValueError as error:
        forms = "2024-08-24, 2024-08-24T14:46, 2024-08-24T14:46:35.5Z, today, yesterday and -7d"
        raise _Refused(f"{_shown(text)} is not a date; dates are written as {forms}") from error


def _day(text: str, here: _Here) -> _Span:
    if ago := _AGO.fullmatch(text):
        moment = here.now - int(ago[1]) * _UNITS[ago[2]] * _SECOND
        return _Span(moment, moment, day=False)
    today = (_EPOCH + timedelta(microseconds=here.now)).astimezone(here.zone).date()
    near = {"today": today, "yesterday": today - _DAY}
    day = near.get(text) or date.fromisoformat(text)
    next_day = min(day, date.max - _DAY) + _DAY
    start, end = (_micros(datetime.combine(each, time(), here.zone)) for each in (day, next_day))
    return _Span(start, end, day=True)


def _moment(text: str, here: _Here) -> _Span:
    """The minute, second, or part of a second; of an hour that comes twice, the first (RFC 5545, 3.3.5)."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{(found[5] or '').replace(' ', '+')}")
    start = _micros(moment if moment.tzinfo else moment.replace(tzinfo=here.zone))
    width = 10 ** max(0, 6 - len(found[4] or "")) if found[3] else 60 * _SECOND
    return _Span(start, start + width, day=False)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _duration(text: str, _here: _Here) -> _Span:
    found = _DURATION.fullmatch(text)
    if not found:
        raise _Refused(f"{_shown(text)} is not a duration; durations are written as 10, 2.5s, 2m and 1h")
    unit = _UNITS[found[3]] * _SECOND
    start = int(Decimal(found[1]) * unit)
    return _Span(start, start + unit // 10 ** len(found[2] or ""), day=False)
