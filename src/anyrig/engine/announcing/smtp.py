"""A connection to a mail server, which blocks a thread and can be cut by another one."""

import smtplib
import socket
from collections.abc import Set as AbstractSet
from contextlib import suppress

from anyrig.core.extensions.notifications import Mails
from anyrig.engine.announcing.base import Around

_SECONDS = 15.0
"""For each answer of the server, but for the one to the mail itself: it may look into it first."""
_SECONDS_FOR_MAIL = 40.0
_SECONDS_FOR_GOODBYE = 2.0
_PORT, _PORT_OF_TLS = 25, 465
_READY = 220
TAKEN = frozenset({250, 251})
REFUSED_FOR_EVER = 500
"""The lowest such answer (RFC 5321, 4.2.1); lower ones are for now."""
_LONGEST = 200
"""Characters of what a server says."""


class Refused(Exception):
    """The server says no; by its code for now or for ever."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.for_ever = code >= REFUSED_FOR_EVER


def words(code: int, said: bytes) -> str:
    """An answer as people read it."""
    return f"{code} {said.decode('utf-8', 'replace')[:_LONGEST]}"


def expect(code: int, said: bytes, *, wanted: AbstractSet[int] = TAKEN) -> None:
    """Raises Refused."""
    if code not in wanted:
        raise Refused(code, words(code, said))


class _Plain(smtplib.SMTP):
    """Without TLS, or with STARTTLS."""

    is_cut = False

    def getreply(self) -> tuple[int, bytes]:
        _check(is_cut=self.is_cut)
        return super().getreply()


class _Tls(smtplib.SMTP_SSL):
    """With TLS from the beginning."""

    is_cut = False

    def getreply(self) -> tuple[int, bytes]:
        _check(is_cut=self.is_cut)
        return super().getreply()


def _check(*, is_cut: bool) -> None:
    """Whoever cuts a connection before there is one stops the thread here, as soon as there is."""
    if is_cut:
        raise ConnectionAbortedError


class Line:
    """One connection. Everything but ``cut`` is for one thread, and raises OSError or Refused."""

    def __init__(self, options: Mails, around: Around) -> None:
        self._options = options
        self._trust = around.trust
        self._port = options.port or (_PORT_OF_TLS if options.secure else _PORT)
        self._smtp: _Plain | _Tls | None = None
        self._is_cut = False

    def open(self) -> smtplib.SMTP:
        """A server that has said hello, over TLS if that is wanted, and knows who we are."""
        options = self._options
        self._smtp = smtp = self._unconnected()
        smtp.is_cut = self._is_cut
        expect(*smtp.connect(options.host, self._port), wanted={_READY})
        if options.secure and isinstance(smtp, _Plain):
            smtp.starttls(context=self._trust())
        smtp.ehlo_or_helo_if_needed()
        if options.login is not None:
            _log_in(smtp, options.login, options.password or "")
        return smtp

    def _unconnected(self) -> _Plain | _Tls:
        is_tls = self._options.secure and self._port == _PORT_OF_TLS
        smtp = _Tls(timeout=_SECONDS, context=self._trust()) if is_tls else _Plain(timeout=_SECONDS)
        # Whose certificate it has to be. It is only set by connecting at once, which nobody could cut.
        smtp._host = self._options.host  # type: ignore[union-attr]  # noqa: SLF001
        return smtp

    def cut(self) -> None:
        """From another thread: whoever waits for the server gets an error at once."""
        self._is_cut = True
        smtp = self._smtp
        if smtp is None:
            return
        smtp.is_cut = True
        if smtp.sock is not None:
            with suppress(OSError):  # not by the TLS socket's own method, which is not made for two threads
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """A server may repeat what it does not understand; it was the password, so we do not."""
    try:
        smtp.login(user, password)
    except smtplib.SMTPResponseException as error:
        raise Refused(error.smtp_code, f"it refuses the login ({error.smtp_code})") from None


def hand_over(smtp: smtplib.SMTP, data: bytes) -> None:
    """The mail itself, once the server knows for whom it is."""
    _wait_at_most(smtp, _SECONDS_FOR_MAIL)
    expect(*smtp.data(data))


def say_goodbye(smtp: smtplib.SMTP) -> None:
    """The mail is theirs, whatever they answer now."""
    _wait_at_most(smtp, _SECONDS_FOR_GOODBYE)
    with suppress(OSError):
        smtp.quit()


def _wait_at_most(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)
