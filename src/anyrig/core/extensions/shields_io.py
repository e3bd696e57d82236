"""Shows the state of the last run as a picture, to anybody who knows the listen point."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, template, text

NAMES = ("shields_io",)
STYLES = ("flat", "flat-square", "plastic", "for-the-badge")
COLORS = {"INFO": "brightgreen", "WARNING": "yellow", "ERROR": "red"}
_COLOR = re.compile(r"[A-Za-z]{1,20}|#?[0-9A-Fa-f]{6}|#?[0-9A-Fa-f]{3}")


@dataclass(frozen=True, slots=True)
class Badge:
    """``label`` may have ``{app}``, ``status`` may have ``{status}`` and ``{timestamp}``."""

    label: str
    status: str
    style: str
    format: str
    colors: Mapping[str, str]


def read(given: Options, _listen_point: str) -> Badge:
    """See ``ExtensionModule``; what a request asks for is read by this, too."""
    style = text(given, "style", "flat")
    form = text(given, "format", "svg")
    if form != "svg":
        raise BadExtension(reason="format is not 'svg', the only one there is")
    return Badge(
        label=template(given, "label", "Sloth CI: {app}", "app"),
        status=template(given, "status", "{status}, {timestamp}", "status", "timestamp"),
        style=style if style in STYLES else "flat",
        format=form,
        colors=COLORS | _colors(given.get("colors")),
    )


def _colors(given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(_COLOR.fullmatch(str(color)) for color in given.values()):
        raise BadExtension(reason="colors is not a map of levels and colors")
    return {str(level).upper(): str(color) for level, color in given.items()}
