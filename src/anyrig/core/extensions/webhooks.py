"""Posts each record of a run as a whole to an address."""

from dataclasses import dataclass

from anyrig.core.build_records import Level
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, level, text, text_or_none

NAMES = ("webhooks",)


@dataclass(frozen=True, slots=True)
class Posts:
    """Where to, and what about."""

    url: str
    level: Level
    secret: str | None
    """Signs what is posted (HMAC with SHA-256); None: not signed."""
    encoding: str = "once"
    """``twice``: for receivers that decode JSON and then once more the text that is in it."""


def read(given: Options, _listen_point: str) -> Posts:
    """See ``ExtensionModule``."""
    url = text(given, "url")
    if not url.startswith(("http://", "https://")) or any(char.isspace() for char in url):
        raise BadExtension(reason=f"url is not an address of HTTP: '{url[:60]}'")
    encoding = text(given, "encoding", "once")
    if encoding not in {"once", "twice"}:
        raise BadExtension(reason="encoding is neither 'once' nor 'twice'")
    return Posts(url, level(given, "level", Level.WARNING), text_or_none(given, "secret"), encoding)
