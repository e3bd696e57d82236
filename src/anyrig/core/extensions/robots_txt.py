"""Tells robots where not to go; for the whole server."""

from dataclasses import dataclass

from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, text, text_or_none

NAMES = ("robots_txt",)


@dataclass(frozen=True, slots=True)
class Robots:
    """``file`` is on the server; None: nobody is to go anywhere."""

    file: str | None
    path: str


def read(given: Options, _listen_point: str) -> Robots:
    """See ``ExtensionModule``."""
    path = text(given, "path", "/robots.txt")
    if not path.startswith("/") or path == "/":
        raise BadExtension(reason="path is not a path")
    return Robots(text_or_none(given, "file"), path)
