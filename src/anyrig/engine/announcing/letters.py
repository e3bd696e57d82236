"""A record as a mail. Pure."""

from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from anyrig.core.build_records import Level, Record
from anyrig.core.extensions.notifications import Mails
from anyrig.engine.announcing.base import Announcement, Around, NotTold

_POLICY = policy.SMTP.clone(cte_type="7bit")
"""Every server can carry it."""
_LEVELS = {Level.DEBUG: "triggered", Level.INFO: "completed", Level.WARNING: "partially_completed"}


def letter(options: Mails, announcement: Announcement, around: Around) -> EmailMessage:
    """The mail, whose id is the announcement's, so that whoever gets it twice can know.

    Raises:
        NotTold: Something of it cannot be in a mail.
    """
    record = announcement.record
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = options.sender
        mail["To"] = ", ".join(options.emails)
        mail["Subject"] = options.subjects[outcome(record)].format(listen_point=announcement.listen_point)
        mail["Message-ID"] = f"<anyrig.{announcement.id}@{sender(options).rpartition('@')[2]}>"
    except (ValueError, HeaderParseError):
        raise NotTold("its subject or an address cannot be in a mail", for_ever=True) from None
    mail["Date"] = format_datetime(datetime.fromtimestamp(record.at // 1_000_000, UTC))
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(announcement, around))
    return mail


def outcome(record: Record) -> str:
    """Which of the subjects is the one for it: each way in which a run can begin or end has its level."""
    return _LEVELS.get(record.level, "failed")


def sender(options: Mails) -> str:
    """The address that the mail comes from, without a name. Raises NotTold."""
    address = parseaddr(options.sender)[1]
    if "@" not in address:
        raise NotTold("from is no address", for_ever=True)
    return address


def _text(announcement: Announcement, around: Around) -> str:
    lines = [announcement.record.message, "", f"Build: {announcement.listen_point}"]
    if announcement.job is not None:
        lines.append(f"Job: {around.page(announcement.job)}")
    return "\n".join(lines) + "\n"
