"""Sends a mail for each record of a run as a whole."""

import re
from dataclasses import dataclass

from anyrig.core.build_records import Level
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, level, template, text, text_or_none, texts

NAMES = ("notifications", "build_email_notifications", "build_notifications")
_SENDER = "build@sloth.ci"
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Mails:
    """Who gets mails, about what, and by which server."""

    emails: tuple[str, ...]
    level: Level
    sender: str
    subjects: dict[str, str]
    """``triggered``, ``completed``, ``partially_completed``, ``failed`` -> a text with ``{listen_point}``."""
    host: str
    port: int | None
    """None: 25, or 465 with ``secure``."""
    login: str | None
    password: str | None
    secure: bool
    """TLS with a certificate that is trusted; by STARTTLS, on port 465 from the start."""


_SUBJECTS = {
    "triggered": "{listen_point}: Build triggered",
    "completed": "{listen_point}: Build completed",
    "partially_completed": "{listen_point}: Build partially completed",
    "failed": "{listen_point}: Build failed",
}


def read(given: Options, _listen_point: str) -> Mails:
    """See ``ExtensionModule``; ``mailhost`` is taken for ``mail_host``, as documents have it."""
    emails = texts(given, "emails")
    if not emails or not all(_ADDRESS.fullmatch(each) for each in emails):
        raise BadExtension(reason="emails is not a list of addresses")
    host, port = _host(text(given, "mail_host", given.get("mailhost")))
    return Mails(
        emails=emails,
        level=level(given, "level", Level.WARNING),
        sender=text(given, "from", _SENDER),
        subjects={name: _subject(given, name, default) for name, default in _SUBJECTS.items()},
        host=host,
        port=port,
        login=text_or_none(given, "login"),
        password=text_or_none(given, "password"),
        secure=bool(given.get("secure")),
    )


def _host(given: str) -> tuple[str, int | None]:
    host, colon, port = given.rpartition(":")
    if not colon:
        return given, None
    if not host or not _PORT.fullmatch(port) or not 0 < int(port) <= _HIGHEST_PORT:
        raise BadExtension(reason=f"mail_host is not HOST or HOST:PORT: '{given[:60]}'")
    return host, int(port)


def _subject(given: Options, name: str, default: str) -> str:
    subject = template(given, f"subject_{name}", default, "listen_point")
    if "\n" in subject or "\r" in subject:
        raise BadExtension(reason=f"subject_{name} has more than one line")
    return subject
