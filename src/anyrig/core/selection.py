"""Which tests somebody means: names, files, folders and patterns, against the tests that there are."""

import re
from collections.abc import Iterable, Sequence

from anyrig.core.errors import BadField
from anyrig.core.tests import Kind

EVERY = "*"
_PARAMETERS = re.compile(r"\[.*\]\Z", re.DOTALL)
_NEAR = 3


def selected(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The tests that ``wanted`` stands for: in that order, those of one pattern in the order of ``known``.

    A name is itself, with pytest's parameters in brackets or without. A file or folder is all that is in it.
    A ``*`` stands for any text, so a lone one is every test. What is named twice is run twice; what a file or
    a pattern brings in again is not.

    Raises:
        BadField: Nothing is wanted, or one of them matches no test.
    """
    if not wanted:
        raise BadField(field="tests", reason="no test is named")
    names, chosen = set(known), list[str]()
    for one in wanted:
        if _PARAMETERS.sub("", one) in names:
            chosen.append(one)
        else:
            chosen += _more(chosen, _matching(one, known))
    return tuple(chosen)


def split_kind(name: str) -> tuple[Kind, str]:
    """``command:unit`` is ``unit`` of kind command; a name without a kind is a Python test."""
    kind, colon, rest = name.partition(":")
    if colon and not rest.startswith(":") and kind in set(Kind):
        return Kind(kind), rest
    return Kind.PYTHON, name


def _more(chosen: list[str], found: Iterable[str]) -> list[str]:
    seen = set(chosen)
    return [name for name in found if name not in seen]


def _matching(one: str, known: Sequence[str]) -> list[str]:
    found = [name for name in known if _matcher(one).fullmatch(name)]
    if not found:
        raise BadField(field="tests", reason=f"there is no test {one!r}{_near(one, known)}")
    return found


def _matcher(one: str) -> re.Pattern[str]:
    if "*" in one:
        return re.compile(".*".join(re.escape(piece) for piece in one.split("*")), re.DOTALL)
    return re.compile(re.escape(one.rstrip("/:")) + "(?:/|::).*", re.DOTALL)


def _near(one: str, known: Sequence[str]) -> str:
    """Names that end alike: a forgotten folder or file is the usual mistake."""
    last = one.rpartition("::")[2]
    near = [name for name in known if last and last in name][:_NEAR]
    if near:
        return f"; there is {', '.join(near)}"
    return "" if known else "; there are no tests of this kind"
