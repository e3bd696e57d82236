"""Reservations in the words of stb-tester."""

from anyrig.core.errors import BadField, NotFound
from anyrig.core.reservations import Reservation, checked_nodes, checked_seconds
from anyrig.engine.reserve import Wanted
from anyrig.server.dialects.stbt.wire import OFFSET, Json, moment
from anyrig.server.dialects.stbt.wire_fields import text
from anyrig.server.markdown import html_of

_NODES, _SECONDS = "node_ids", "duration_secs"
_DIGITS = 18
"""No reservation has a longer number."""


def reservation_json(one: Reservation, user: str) -> Json:
    """A reservation as ``user`` sees it, with every field of the document."""
    return {
        "expires": None if one.expires is None else moment(one.expires, OFFSET, "seconds"),
        "message": one.message,
        "message_html": html_of(one.message),
        "node_id": one.node,
        "reservation_id": one.number,
        "reserved_by_you": one.user == user,
        "start_time": moment(one.start, OFFSET, "seconds"),
        "username": one.user,
    }


def wanted(body: Json) -> Wanted:
    """What to reserve. A key that is null counts as missing; keys that are not known are ignored.

    Raises:
        BadField: A key is missing, or its value is not allowed.
    """
    names = body.get(_NODES)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadField(field=_NODES, reason="it is not a list of names of nodes")
    duration = None if body.get(_SECONDS) is None else seconds(body)
    return Wanted(checked_nodes(names, _NODES), message(body), duration)


def message(body: Json) -> str:
    """Raises BadField when there is none."""
    return text(body, "message")


def seconds(body: Json) -> int:
    """Raises BadField when there are none, or it is no duration."""
    given = body.get(_SECONDS)
    if given is None:
        raise BadField(field=_SECONDS, reason="it is missing")
    if not isinstance(given, int) or isinstance(given, bool):
        raise BadField(field=_SECONDS, reason="it is not a whole number of seconds")
    return checked_seconds(given, _SECONDS)


def number(part: str) -> int:
    """A reservation's id, as a part of a path. Raises BadField when it is no number, NotFound."""
    if not (part.isascii() and part.isdigit()):
        raise BadField(field="reservation_id", reason="it is not a whole number")
    if len(part) > _DIGITS:
        raise NotFound(what="reservation", name=f"{part[:_DIGITS]}…")
    return int(part)
