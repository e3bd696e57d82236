"""Sends records by mail, over SMTP (RFC 5321)."""

import asyncio
import smtplib
from dataclasses import dataclass
from functools import partial

from anyrig.core.extensions.notifications import Mails
from anyrig.core.masking import Mask
from anyrig.engine.announcing.base import Announcement, Around, NotTold, in_thread
from anyrig.engine.announcing.letters import letter, sender
from anyrig.engine.announcing.smtp import (
    REFUSED_FOR_EVER,
    TAKEN,
    Line,
    Refused,
    expect,
    hand_over,
    say_goodbye,
    words,
)

_ALL_OR_NONE = 3
"""So many times a mail is not sent to anybody while one of its addresses is refused for now."""


@dataclass(frozen=True, slots=True)
class _Mail:
    """All that has to be said to the server."""

    options: Mails
    sender: str
    data: bytes
    tries: int


async def tell(options: Mails, announcement: Announcement, around: Around) -> None:
    """One mail to all. Whoever stops waiting cuts the line: no thread is left that waits for a server."""
    data = letter(options, announcement, around).as_bytes()
    mail = _Mail(options, sender(options), data, announcement.tries)
    line = Line(options, around)
    try:
        await in_thread(around, partial(_send, line, mail))
    except asyncio.CancelledError:
        line.cut()
        raise


def _send(line: Line, mail: _Mail) -> None:
    """Raises NotTold."""
    try:
        smtp = line.open()
        refused = _send_to_all(smtp, mail)
        say_goodbye(smtp)
    except Refused as error:
        raise _not_told(mail, str(error), for_ever=error.for_ever) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(mail, error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise _not_told(mail, str(error), for_ever=True) from None
    except OSError as error:
        raise _not_told(mail, error.strerror or str(error) or type(error).__name__, for_ever=False) from None
    except ValueError:
        raise _not_told(mail, "an address or the login is not ASCII", for_ever=True) from None
    finally:
        line.close()
    if refused:
        raise _not_told(mail, f"to {refused}", for_ever=True)


def _send_to_all(smtp: smtplib.SMTP, mail: _Mail) -> str:
    """What the server says of those addresses that it refuses, while it takes the mail for the others.

    One that is refused for now, as with greylisting, lets all wait a few times: so nobody gets a mail twice.
    """
    expect(*smtp.mail(mail.sender))
    answers = {address: smtp.rcpt(address) for address in mail.options.emails}
    refused = {address: answer for address, answer in answers.items() if answer[0] not in TAKEN}
    for_now = [answer for answer in refused.values() if answer[0] < REFUSED_FOR_EVER]
    if for_now and (mail.tries <= _ALL_OR_NONE or len(refused) == len(answers)):
        expect(*for_now[0])
    if len(refused) == len(answers):
        expect(*next(iter(refused.values())))
    hand_over(smtp, mail.data)
    return "; ".join(f"{address}: {words(*answer)}" for address, answer in refused.items())


def _answered(mail: _Mail, error: smtplib.SMTPResponseException) -> NotTold:
    said = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    return _not_told(mail, words(error.smtp_code, said), for_ever=error.smtp_code >= REFUSED_FOR_EVER)


def _not_told(mail: _Mail, reason: str, *, for_ever: bool) -> NotTold:
    options = mail.options
    hidden = Mask([options.password] if options.password else [])
    return NotTold(hidden.text(f"{options.host}: {reason}"), for_ever=for_ever)
