"""Few results among which all that are wanted must be, found by an index: where a search may begin."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from anyrig.core.filters import And, Filter, NameLike, NameUnder, Not, Or, ReasonHas, TagIs, TextIs, Word
from anyrig.storage.sql import groups
from anyrig.storage.sql.groups import Group, Known, Place, Plain, Tagged, Texts, Within

_TEXTS = 50
"""So many texts are named in a statement; if a term fits more, the statement asks for them itself."""
_ENOUGH = 100
"""So few that it pays no longer to look for fewer."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some results, and how many there are: right, or more than was counted to."""

    groups: tuple[Group, ...]
    count: int


def fewest(
    connection: Connection, parts: Iterable[Filter], most: int, projects: frozenset[str] | None = None
) -> Candidates | None:
    """The smallest group that an index has for one of ``parts``, if it is of at most ``most`` results."""
    best = None if projects is None else _within(_counted(connection, (Within(projects),), most), most)
    for part in parts:
        if best and best.count <= _ENOUGH:
            break
        bound = most if best is None else best.count - 1
        best = _within(_candidates(connection, part, bound), bound) or best
    return best


def names_of(connection: Connection, part: NameUnder | NameLike) -> tuple[str | int, ...]:
    """Some more than one test's names that the term fits; all, if there are fewer than two."""
    return _first(connection, Texts("testcase", part), 2)


def _within(found: Candidates | None, most: int) -> Candidates | None:
    return found if found and found.count <= most else None


def _candidates(connection: Connection, part: Filter, most: int) -> Candidates | None:
    match part:
        case And(parts):
            return fewest(connection, parts, most)
        case Or(parts):
            return _together(connection, parts, most)
        case Not():
            return None
    return _counted(connection, _groups(connection, part), most)


def _together(connection: Connection, parts: Sequence[Filter], most: int) -> Candidates | None:
    found = Candidates((), 0)
    for part in parts:
        one = _candidates(connection, part, most - found.count)
        if one is None or found.count + one.count > most:
            return None
        found = Candidates(found.groups + one.groups, found.count + one.count)
    return found


def _counted(connection: Connection, found: tuple[Group, ...], most: int) -> Candidates:
    if not found:
        return Candidates((), 0)
    return Candidates(found, int(connection.execute(groups.count(found), {"most": most + 1}).scalar_one()))


def _groups(connection: Connection, part: Filter) -> tuple[Group, ...]:
    """The results that the term fits."""
    places: tuple[Place, ...]
    match part:
        case TagIs():
            return (Tagged(part),)
        case NameUnder() | NameLike():
            places = ("testcase",)
        case ReasonHas() | TextIs("failure_reason"):
            places = ("reason",)
        case Word():
            places = ("testcase", "category", "reason")
        case _:
            return (Plain(part),)
    by_trigrams = connection.dialect.name == "sqlite"
    texts = (Texts(place, part, by_trigrams) for place in places)
    return tuple(group for each in texts for group in _with(connection, each))


def _with(connection: Connection, texts: Texts) -> tuple[Group, ...]:
    """The results with the texts; none if there are no such texts."""
    keys = _first(connection, texts, _TEXTS + 1)
    if len(keys) > _TEXTS:
        return (texts,)
    return (Known(texts.place, keys),) if keys else ()


def _first(connection: Connection, texts: Texts, most: int) -> tuple[str | int, ...]:
    return tuple(connection.execute(groups.texts(texts), {"most": most}).scalars())
