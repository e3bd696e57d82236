"""Where in a shell's command line one stands: what has to be known before a value is put there.

A table over the characters of POSIX shell text (XCU 2.2 to 2.6), as dash and bash read it. It knows less than
a shell does, and says so: what it does not surely understand is ``UNKNOWN``, and everything behind it too.
"""

import string
from collections.abc import Mapping
from enum import StrEnum


class Place(StrEnum):
    """What the characters read so far leave a shell in."""

    GAP = "gap"
    """Not quoted, between two words: a ``#`` would begin a comment."""
    WORD = "word"
    """Not quoted, in a word."""
    BRACKET = "bracket"
    """Not quoted, behind ``(`` or ``)``: what some characters would mean here depends."""
    ARROW = "arrow"
    """Not quoted, behind ``<`` or ``>``."""
    DUPLICATE = "duplicate"
    """Behind ``>&``: bash expands the word that follows twice."""
    DOLLAR = "dollar"
    """Not quoted, behind a ``$`` whose meaning is still open."""
    GAP_ESCAPE = "gap escape"
    WORD_ESCAPE = "word escape"
    """Behind a backslash."""
    BRACES = "braces"
    """In ``${…}``."""
    BACKTICKS = "backticks"
    SINGLE = "single"
    """In single quotes."""
    DOUBLE = "double"
    """In double quotes; the following are in them, too."""
    DOUBLE_ESCAPE = "double escape"
    DOUBLE_DOLLAR = "double dollar"
    DOUBLE_BRACES = "double braces"
    DOUBLE_BACKTICKS = "double backticks"
    DOUBLE_COMMAND = "double command"
    """In ``$(…)``."""
    COMMENT = "comment"
    UNKNOWN = "unknown"


P = Place
Row = tuple[Mapping[str, Place], Place]
"""Where single characters lead, and where all others do."""
_SPACE = " \t\n;&|"
_INNER = string.ascii_letters + string.digits + " \t_-+=/.,:%@^~*?![]"
"""Cannot open anything within ``${…}``, backticks or ``$(…)``."""
_COMMAND = _INNER + ";&|>$"


def _to(place: Place, characters: str) -> dict[str, Place]:
    return dict.fromkeys(characters, place)


_OPERATORS = _to(P.GAP, _SPACE) | _to(P.BRACKET, "()") | _to(P.ARROW, "<>")
_UNQUOTED = _OPERATORS | {"'": P.SINGLE, '"': P.DOUBLE, "$": P.DOLLAR, "`": P.BACKTICKS}
_TABLE: Mapping[Place, Row] = {
    P.GAP: (_UNQUOTED | {"\\": P.GAP_ESCAPE, "#": P.COMMENT}, P.WORD),
    P.WORD: (_UNQUOTED | {"\\": P.WORD_ESCAPE}, P.WORD),
    P.BRACKET: (_UNQUOTED | _to(P.UNKNOWN, "\\#<("), P.WORD),
    P.ARROW: (_UNQUOTED | _to(P.UNKNOWN, "\\#<(") | {"&": P.DUPLICATE}, P.WORD),
    P.DUPLICATE: (_to(P.WORD, string.digits + "-"), P.UNKNOWN),
    P.DOLLAR: (
        _OPERATORS | _to(P.UNKNOWN, "'\"`\\[") | {"{": P.BRACES},
        P.WORD,
    ),
    P.GAP_ESCAPE: ({"\n": P.GAP}, P.WORD),
    P.WORD_ESCAPE: ({}, P.WORD),
    P.BRACES: (_to(P.BRACES, _INNER + "#") | {"}": P.WORD}, P.UNKNOWN),
    P.BACKTICKS: (_to(P.BACKTICKS, _COMMAND) | {"`": P.WORD}, P.UNKNOWN),
    P.SINGLE: ({"'": P.WORD}, P.SINGLE),
    P.DOUBLE: (
        {'"': P.WORD, "\\": P.DOUBLE_ESCAPE, "$": P.DOUBLE_DOLLAR, "`": P.DOUBLE_BACKTICKS},
        P.DOUBLE,
    ),
    P.DOUBLE_ESCAPE: ({}, P.DOUBLE),
    P.DOUBLE_DOLLAR: (
        _to(P.UNKNOWN, "`\\[") | {'"': P.WORD, "{": P.DOUBLE_BRACES, "(": P.DOUBLE_COMMAND},
        P.DOUBLE,
    ),
    P.DOUBLE_BRACES: (_to(P.DOUBLE_BRACES, _INNER + "#") | {"}": P.DOUBLE}, P.UNKNOWN),
    P.DOUBLE_BACKTICKS: (_to(P.DOUBLE_BACKTICKS, _COMMAND) | {"`": P.DOUBLE}, P.UNKNOWN),
    P.DOUBLE_COMMAND: (_to(P.DOUBLE_COMMAND, _COMMAND) | {")": P.DOUBLE}, P.UNKNOWN),
    P.COMMENT: ({"\n": P.GAP}, P.COMMENT),
    P.UNKNOWN: ({}, P.UNKNOWN),
}


class Reading:
    """Follows the text of a command line, piece by piece."""

    def __init__(self) -> None:
        self.place = P.GAP
        self._text = ""

    def read(self, text: str) -> None:
        self._text += text
        for character in text:
            before = self.place
            exact, otherwise = _TABLE[before]
            self.place = exact.get(character, otherwise)
            if (before, self.place) == (P.DOUBLE_COMMAND, P.DOUBLE) and "case" in self._text:
                self.place = P.UNKNOWN  # this bracket may end a pattern of ``case`` and not the command
