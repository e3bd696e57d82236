"""Logs in the reader's time zone: each line begins with a UTC time, which is rendered anew."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from anyrig.core.errors import BadField
from anyrig.server.dialects.stbt.wire import OFFSET, moment

_STAMP = re.compile(
    rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(?:Z|\+00:00)(?=[ \r\n]|\Z)", re.MULTILINE
)
_LONGEST_STAMP = 64
"""Bytes; when so many of a line are here, its time is among them."""
_SHOWN = 60


def zone_named(name: str | None) -> ZoneInfo | None:
    """The zone of the ``tz`` parameter; None for UTC, in which logs are kept.

    Raises:
        BadField: There is no such zone.
    """
    if not name or name in {"UTC", "Etc/UTC"}:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadField(field="tz", reason=f"there is no time zone {name[:_SHOWN]!r}") from None


def only_line(microseconds: int, text: str) -> bytes:
    """The log of a test that has none: a line for each of the text, and none for no text."""
    stamp = moment(microseconds, OFFSET)
    return "".join(f"{stamp} {line}\n" for line in text.splitlines()).encode("utf-8", "replace")


class LocalTimes:
    """Renders the times of a log that comes in blocks; only a time at the start of a line is one."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._held = b""
        self._mid_line = False
        self._second = b""
        self._local: tuple[bytes, bytes] = (b"", b"")

    def feed(self, block: bytes) -> bytes:
        """What can be said now; the beginning of a line may be held back until more of it is here."""
        data = self._held + block
        last = data.rfind(b"\n") + 1
        cut = last if len(data) - last < _LONGEST_STAMP and not self._in_rest(last) else len(data)
        self._held = data[cut:]
        return self._render(data[:cut])

    def end(self) -> bytes:
        """What was held back."""
        rest, self._held = self._held, b""
        return self._render(rest)

    def _in_rest(self, last: int) -> bool:
        """Whether the data ends in a line whose beginning has been rendered already."""
        return self._mid_line and last == 0

    def _render(self, data: bytes) -> bytes:
        begin = data.find(b"\n") + 1 or len(data) if self._mid_line else 0
        if data:
            self._mid_line = not data.endswith(b"\n")
        return data[:begin] + _STAMP.sub(self._rendered, data[begin:])

    def _rendered(self, found: re.Match[bytes]) -> bytes:
        if found[1] != self._second:
            self._second, self._local = found[1], self._at(found[1])
        time, offset = self._local
        return time + (found[2] or b"") + offset if time else found[0]

    def _at(self, second: bytes) -> tuple[bytes, bytes]:
        """The time and the zone's offset then; empty for what only looks like a time."""
        try:
            when = datetime.fromisoformat(second.decode()).replace(tzinfo=UTC).astimezone(self._zone)
        except (ValueError, OverflowError):
            return b"", b""
        text = when.isoformat()
        return text[:19].encode(), text[19:].encode()
