"""Fills the params of a build into an action's command line, as ``str.format_map`` would.

A value that does not come from the test's author must not say what the shell is to do. It is put in as it is
only if it is made of harmless characters; else it is quoted, as the place asks for where it stands, and
where that cannot be done surely, the action is refused. Every value is also in the environment.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from anyrig.core.build_spec import Source, Value
from anyrig.core.errors import Invalid
from anyrig.core.masking import STARS
from anyrig.core.shell_text import Place, Reading

LONGEST = 131_071
"""Bytes of one argument, and of one variable with its name, that Linux hands to a program (execve(2))."""
_HARMLESS = re.compile(r"[A-Za-z0-9._/@:+,=][A-Za-z0-9._/@:+,=-]*")
_SECOND_SHELL = re.compile(
    r"(?<![\w.-])(?:\[\[|alias|eval|let|trap|su|runuser|watch|parallel|ssh|rsh|sh|ash|bash|dash|fish|ksh|zsh)"
    r"(?![\w.=-])"
)
"""Words that make a shell read the command line, or a part of it, once more."""
_MANY_DIGITS = re.compile(r"\d{6}")
_NO_LETTER = re.compile(r"[^A-Z0-9]")
_TRUST = (Source.WEBHOOK, Source.TRIGGER, Source.CONFIG)
"""Who is trusted least comes first."""


class MissingParam(Invalid):
    """Missing param: {name}"""  # noqa: D415 - this is what clients know

    code = "missing_param"


class BadCommand(Invalid):
    """Execution failed: {reason}"""  # noqa: D415 - the reason is Python's, or a sentence without an end

    code = "bad_command"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a shell is to run."""

    text: str
    shown: str
    """The same for people: without the values of secret params."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some text of the author's, and the param that follows it; ``name`` is empty at the end."""

    literal: str
    name: str = ""
    rendered: str = ""
    source: Source = Source.CONFIG
    secret: bool = False


def fill(
    template: str, values: Mapping[str, Value], *, raw: bool = False, secret: Collection[str] = ()
) -> CommandLine:
    """The command line of an action.

    ``raw``: take all values for the author's own. ``secret``: names of params that are not to be shown.

    Raises:
        MissingParam: A placeholder names a param that is not there.
        BadCommand: The template is none, or a value cannot be put where it is asked for.
    """
    if "{" not in template and "}" not in template:
        return _checked(template, template)
    pieces = list(_Fields(values, raw, secret).pieces(template))
    authored = " ".join(part for piece in pieces for part in (piece.literal, _own(piece)))
    twice = _SECOND_SHELL.search(authored) is not None
    reading = Reading()
    text, shown = "", ""
    for piece, following in zip(pieces, [*pieces[1:], _Piece("")], strict=True):
        reading.read(piece.literal)
        put = _put(piece, reading, following.literal, twice=twice) if piece.name else ""
        text += piece.literal + put
        shown += piece.literal + (STARS if piece.secret else put)
    return _checked(text, shown)


def variable(param: str) -> str:
    """The part of a variable's name that tells of the param."""
    return _NO_LETTER.sub("_", param.upper())


def environment(values: Mapping[str, Value]) -> dict[str, str]:
    """``SLOTH_PARAM_X`` and ``ANYRIG_PARAM_X`` for every param.

    Texts are as they are, nothing is empty, all else is JSON. What no variable can hold is left out: NULs,
    and values that are too long.
    """
    texts = {variable(name): _variable_text(value.value) for name, value in values.items()}
    named = {f"{prefix}_PARAM_{name}": text for prefix in ("SLOTH", "ANYRIG") for name, text in texts.items()}
    return {name: text for name, text in named.items() if len(name) + len(text.encode()) < LONGEST}


def _variable_text(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _own(piece: _Piece) -> str:
    return piece.rendered if piece.source is Source.CONFIG else ""


class _Fields(Formatter):
    """Looks placeholders up, and remembers whose values they have used."""

    def __init__(self, values: Mapping[str, Value], raw: bool, secret: Collection[str]) -> None:
        self._values = values
        self._raw = raw
        self._secret = secret
        self._used: list[str] = []

    def pieces(self, template: str) -> Iterator[_Piece]:
        try:
            for literal, field, spec, conversion in self.parse(template):
                yield _Piece(literal) if field is None else self._piece(literal, field, spec, conversion)
        except KeyError as error:
            raise MissingParam(name=error) from None
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            raise BadCommand(reason=error) from None

    def _piece(self, literal: str, field: str, spec: str | None, conversion: str | None) -> _Piece:
        self._used = []
        value = self.convert_field(self.get_field(field, (), {})[0], conversion)
        spec = self.vformat(spec or "", (), {})
        if _MANY_DIGITS.search(spec):
            raise ValueError("Too many decimal digits in format string")
        rendered = self.format_field(value, spec)
        source = Source.CONFIG if self._raw else min(map(self._source, self._used), key=_TRUST.index)
        secret = any(name in self._secret for name in self._used)
        return _Piece(literal, self._used[0], rendered, source, secret)

    def _source(self, name: str) -> Source:
        return self._values[name].source

    def get_value(self, key: int | str, args: object, kwargs: object) -> Any:  # noqa: ARG002 - Formatter's
        if isinstance(key, int) or not key:
            raise ValueError("Format string contains positional fields")
        self._used.append(key)
        return self._values[key].value

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if re.search(r"[.\[]_", field_name):
            raise ValueError(f"'{{{field_name}}}' asks for something whose name begins with '_'")
        return super().get_field(field_name, args, kwargs)


def _put(piece: _Piece, reading: Reading, following: str, *, twice: bool) -> str:
    """What to put for a placeholder where ``reading`` stands, and read on."""
    put = piece.rendered
    if piece.source is not Source.CONFIG:
        put = _safe(piece, reading.place, following, twice=twice)
    reading.read(put)
    return put


def _safe(piece: _Piece, place: Place, following: str, *, twice: bool) -> str:
    text = piece.rendered
    webhook = piece.source is Source.WEBHOOK
    if "\0" in text:
        raise _refused(piece, "has a NUL")
    if webhook and text.startswith("-"):
        raise _refused(piece, "begins with '-'")
    if place in {Place.DOLLAR, Place.DOUBLE_DOLLAR}:
        raise _refused(piece, "would be read as the name of a variable")
    quoted = _QUOTING.get(place)
    if _HARMLESS.fullmatch(text) and not (quoted is _word and _is_descriptor(text, following)):
        return text
    if quoted is None or (webhook and text and quoted is not _word):
        raise _refused(piece, "cannot safely stand there")
    if webhook and text and twice:
        raise _refused(piece, "would be read by a second shell", instead=False)
    return quoted(text)


def _is_descriptor(text: str, following: str) -> bool:
    """``2`` before ``>file`` would be no word of its own."""
    return text.isdigit() and following[:1] in {"<", ">"}


def _refused(piece: _Piece, why: str, *, instead: bool = True) -> BadCommand:
    name = piece.name
    advice = f': use the variable "$SLOTH_PARAM_{variable(name)}" instead' if instead else ""
    return BadCommand(reason=f"the value of param '{name}' {why}{advice}")


def _word(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _in_single_quotes(text: str) -> str:
    return text.replace("'", r"'\''")


def _in_double_quotes(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)


_QUOTING = {
    Place.GAP: _word,
    Place.WORD: _word,
    Place.BRACKET: _word,
    Place.ARROW: _word,
    Place.SINGLE: _in_single_quotes,
    Place.DOUBLE: _in_double_quotes,
}
"""How a value becomes a part of a word, and nothing else, where it can."""


def _checked(text: str, shown: str) -> CommandLine:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise BadCommand(reason=error) from None
    if "\0" in text:
        raise BadCommand(reason="embedded null byte")
    if size > LONGEST:
        raise BadCommand(reason=f"the command has {size} bytes; a shell takes {LONGEST} at most")
    return CommandLine(text, shown)
