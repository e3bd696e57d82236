"""A badge that shows the state of a test's last run, drawn as SVG in the styles of shields.io."""

import html
import re
import string
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from anyrig.core.extensions import shields_io
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.shields_io import Badge
from anyrig.core.xml_text import legal

_LONGEST_ASKED = 200
_LONGEST_DRAWN = 120
_ASKED = ("label", "status", "style", "format")

_COLORS = {
    "brightgreen": "#44cc11",
    "green": "#97ca00",
    "yellowgreen": "#a4a61d",
    "yellow": "#dfb317",
    "orange": "#fe7d37",
    "red": "#e05d44",
    "blue": "#007ec6",
    "blueviolet": "#8a2be2",
    "grey": "#555555",
    "gray": "#555555",
    "lightgrey": "#9f9f9f",
    "lightgray": "#9f9f9f",
    "black": "#000000",
    "white": "#ffffff",
    "success": "#44cc11",
    "important": "#fe7d37",
    "critical": "#e05d44",
    "informational": "#007ec6",
    "inactive": "#9f9f9f",
}
_LABEL = "#555555"
_UNKNOWN = "#9f9f9f"
_HEX = re.compile(r"#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")
_SHORT_HEX = 3
_BRIGHT = 0.69
"""From here on, dark letters are the better ones to read; 0 is black, 1 is white."""


@dataclass(frozen=True, slots=True)
class _Style:
    """How a style of shields.io looks; lengths in pixels."""

    height: int
    radius: int
    baseline: int
    gradient: str = ""
    """Stops of what lies above the colours."""
    shadow: bool = False
    size: int = 11
    margin: float = 6
    spacing: float = 0
    """Between letters; with any, the text is in capitals and the status in bold."""


def _stop(offset: float, color: str, opacity: float) -> str:
    return f'<stop offset="{offset}" stop-color="{color}" stop-opacity="{opacity}"/>'


_STYLES = {
    "flat": _Style(20, 3, 14, _stop(0, "#bbb", 0.1) + _stop(1, "#000", 0.1), shadow=True),
    "flat-square": _Style(20, 0, 14),
    "plastic": _Style(
        *(18, 4, 13),
        *(_stop(0, "#fff", 0.7) + _stop(0.1, "#aaa", 0.1) + _stop(0.9, "#000", 0.3) + _stop(1, "#000", 0.5),),
        shadow=True,
    ),
    "for-the-badge": _Style(28, 0, 18, size=10, margin=12, spacing=1.25),
}

_EM = 2048
_WIDTHS = (
    *(720, 806, 940, 1676, 1302, 2204, 1488, 550, 930, 930, 1302, 1676, 745, 930, 745, 930),  # to /
    *(*(1302,) * 10, 930, 930, 1676, 1676, 1676, 1117),  # digits, to ?
    *(2048, 1400, 1404, 1430, 1578, 1295, 1177, 1588, 1539, 862, 931, 1419, 1140, 1726, 1532, 1612),  # to O
    *(1235, 1612, 1424, 1400, 1262, 1499, 1400, 2025, 1403, 1260, 1403, 930, 930, 930, 1676, 1302),  # to _
    *(1302, 1230, 1276, 1067, 1276, 1220, 720, 1276, 1296, 562, 705, 1212, 562, 1992, 1296, 1243),  # to o
    *(1276, 1276, 874, 1067, 807, 1296, 1212, 1676, 1212, 1212, 1076, 1300, 930, 1300, 1676),  # to ~
)
"""Of the letters from the space on, in Verdana, in parts of an em."""
_OTHER_WIDTH = 1400
_BOLD = 1.13


def asked(badge: Badge, query: Mapping[str, str]) -> Badge:
    """The badge with what a request wants changed of it: ``label``, ``status``, ``style``, ``format``.

    Raises:
        BadExtension: It makes no sense. Whoever asks is a stranger: only plain placeholders are taken.
    """
    wanted = {name: query[name] for name in _ASKED if name in query}
    for name in ("label", "status"):
        if name in wanted:
            _check_template(name, wanted[name])
    own = {"label": badge.label, "status": badge.status, "style": badge.style, "format": badge.format}
    return shields_io.read(own | {"colors": badge.colors} | wanted, "")


def _check_template(name: str, template: str) -> None:
    """A format's width could be a billion, and an attribute's name could lead anywhere."""
    if len(template) > _LONGEST_ASKED:
        raise BadExtension(reason=f"{name} is longer than {_LONGEST_ASKED} characters")
    known = {"label": ("app",), "status": ("status", "timestamp")}[name]
    try:
        fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise BadExtension(reason=f"{name} cannot be used: {error}") from error
    if any(field not in known or spec or conversion for _, field, spec, conversion in fields):
        raise BadExtension(reason=f"{name} has more than {' and '.join(f'{{{field}}}' for field in known)}")


def svg(badge: Badge, app: str, status: str, timestamp: str, level: str) -> bytes:
    """A picture in UTF-8; ``level`` is the name of the last record's, or anything else if there is none."""
    style = _STYLES[badge.style]
    label = _drawn(badge.label.format(app=app), style)
    message = _drawn(badge.status.format(status=status, timestamp=timestamp), style)
    colors = (_LABEL, _color(badge.colors, level))
    texts = (
        _Text(label, _width(label, style)),
        _Text(message, _width(message, style, bold=style.spacing > 0)),
    )
    return _document(style, texts, colors).encode()


def _drawn(text: str, style: _Style) -> str:
    line = " ".join(legal(text).split()) or "?"
    cut = line if len(line) <= _LONGEST_DRAWN else f"{line[: _LONGEST_DRAWN - 1]}…"
    return cut.upper() if style.spacing else cut


def _color(colors: Mapping[str, str], level: str) -> str:
    name = "ERROR" if level == "CRITICAL" and level not in colors else level
    wanted = colors.get(name, "lightgrey").lower()
    if wanted in _COLORS:
        return _COLORS[wanted]
    found = _HEX.fullmatch(wanted)
    if found is None:
        return _UNKNOWN
    digits = found[1]
    return "#" + (digits if len(digits) > _SHORT_HEX else "".join(digit * 2 for digit in digits))


def _width(text: str, style: _Style, *, bold: bool = False) -> float:
    ems = sum(map(_letter_width, text)) / _EM * (_BOLD if bold else 1)
    return round(ems * style.size + style.spacing * len(text), 1)


def _letter_width(letter: str) -> int:
    if ord(letter) - ord(" ") in range(len(_WIDTHS)):
        return _WIDTHS[ord(letter) - ord(" ")]
    if unicodedata.combining(letter):
        return 0
    return _EM if unicodedata.east_asian_width(letter) in "WF" else _OTHER_WIDTH


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    width: float


def _document(style: _Style, texts: tuple[_Text, _Text], colors: tuple[str, str]) -> str:
    """Both parts beside each other; ``textLength`` makes the texts fit in whatever font there is.

    Ids are of this picture alone: a page may hold several.
    """
    left, right = (text.width + 2 * style.margin for text in texts)
    title = html.escape(f"{texts[0].text}: {texts[1].text}")
    size = f'width="{left + right:.1f}" height="{style.height}"'
    own = f"{zlib.crc32(f'{style} {title}'.encode()):x}"
    whole = f'<rect {size} rx="{style.radius}"'
    shade = f'<linearGradient id="s{own}" x2="0" y2="100%">{style.gradient}</linearGradient>'
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            shade if style.gradient else "",
            f'<clipPath id="r{own}">{whole} fill="#fff"/></clipPath>',
            f'<g clip-path="url(#r{own})">',
            f'<rect width="{left:.1f}" height="{style.height}" fill="{colors[0]}"/>',
            f'<rect x="{left:.1f}" width="{right:.1f}" height="{style.height}" fill="{colors[1]}"/>',
            f'{whole} fill="url(#s{own})"/>' if style.gradient else "",
            "</g>",
            f'<g font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="{style.size}"',
            ' text-rendering="geometricPrecision">',
            _text(style, texts[0], style.margin, colors[0]),
            _text(style, texts[1], left + style.margin, colors[1], bold=style.spacing > 0),
            "</g></svg>",
        )
    )


def _text(style: _Style, text: _Text, x: float, color: str, *, bold: bool = False) -> str:
    ink, shadow = ("#333", "#ccc") if _brightness(color) > _BRIGHT else ("#fff", "#010101")
    weight = ' font-weight="bold"' if bold else ""
    shape = f'x="{x:.1f}" textLength="{text.width}"{weight}'
    words = html.escape(text.text)
    below = (
        f'<text {shape} y="{style.baseline + 1}" fill="{shadow}" fill-opacity=".3" aria-hidden="true">'
        f"{words}</text>"
    )
    return f'{below if style.shadow else ""}<text {shape} y="{style.baseline}" fill="{ink}">{words}</text>'


def _brightness(color: str) -> float:
    """Of ``#rrggbb``, as https://www.w3.org/TR/AERT/#color-contrast has it, from 0 to 1."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return (299 * red + 587 * green + 114 * blue) / 255_000
