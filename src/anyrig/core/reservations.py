"""Reservations: a node kept for one user. What may become of one, and who may do it.

The rules are those of the stb-tester REST API v2, section "Reservations". A reservation is advisory: only its
owner extends or ends it, but anybody may interrupt it, who tells the owner why.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from anyrig.core.errors import BadField, NodeReserved, NotYourReservation, ReservationOver
from anyrig.core.nodes import Node

MOST_NODES = 1000
"""So many nodes can be reserved at once."""
LONGEST = 100 * 365 * 86_400
"""Seconds that a reservation can last from now, if it expires at all."""
_LONGEST_MESSAGE = 10_000
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_SECOND = 1_000_000


class State(StrEnum):
    """Where a reservation stands."""

    HELD = "held"
    """Keeps its node for its owner."""
    ENDED = "ended"
    """Its owner needs the node no more."""
    INTERRUPTED = "interrupted"
    """Somebody else needed the node."""
    EXPIRED = "expired"
    """Its time has passed."""


class Act(StrEnum):
    """What can happen to a reservation."""

    EXTEND = "extend"
    END = "end"
    INTERRUPT = "interrupt"
    EXPIRE = "expire"


TABLE: dict[tuple[State, Act], State] = {
    (State.HELD, Act.EXTEND): State.HELD,
    (State.HELD, Act.END): State.ENDED,
    (State.HELD, Act.INTERRUPT): State.INTERRUPTED,
    (State.HELD, Act.EXPIRE): State.EXPIRED,
    **{(over, act): over for over in set(State) - {State.HELD} for act in (Act.END, Act.INTERRUPT)},
}
"""Every other pair is refused. To end what is over is no mistake: two may want it at the same time."""
OF_OWNER = frozenset({Act.EXTEND, Act.END})
"""What only the owner may do."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One node for one user. Times are microseconds since the epoch, UTC."""

    number: int
    node: str
    user: str
    message: str
    """What it is for, in Markdown: everybody else reads it."""
    start: int
    expires: int | None
    """None: it is held until somebody ends it."""
    state: State = State.HELD
    ended: int | None = None
    ended_by: str | None = None
    reason: str | None = None
    """What its owner is told by whoever interrupted it, in Markdown."""


def as_of(one: Reservation, now: int) -> Reservation:
    """The reservation as it stands at ``now``: one whose time has passed is over, written down or not."""
    if one.state is not State.HELD or one.expires is None or one.expires > now:
        return one
    return replace(one, state=TABLE[one.state, Act.EXPIRE], ended=one.expires)


def why_not(node: Node) -> str | None:
    """The sentence that says why the node cannot be reserved now, or None when anybody can reserve it.

    Not even its owner can reserve a reserved node again. That being reserved is said before all else, and in
    which words, is laid down by the stb-tester REST API v2 (``not_available_reason``).
    """
    checks = (
        (node.reserved_by is None, f"Node {node.name} reserved by @{node.reserved_by}"),
        (node.online, f"Node {node.name} is offline."),
        (node.trouble is None, f"Node {node.name}: {node.trouble}."),
        (node.busy_with is None, f"Node {node.name} is running job {node.busy_with}."),
    )
    return next((reason for fine, reason in checks if not fine), None)


def refusals(nodes: Iterable[Node]) -> dict[str, str]:
    """For each node that is in the way of reserving them all together, why it is."""
    return {node.name: reason for node in nodes if (reason := why_not(node)) is not None}


def require_use(held: Reservation | None, user: str) -> None:
    """Raises NodeReserved when the node is reserved, and not by the user."""
    if held is not None and held.user != user:
        raise NodeReserved(node=held.node, user=held.user)


def extended(one: Reservation, user: str, seconds: int, now: int) -> Reservation:
    """Expires so many seconds later; if it never expires, that remains so.

    Raises:
        NotYourReservation, ReservationOver, BadField.
    """
    after = _after(one, Act.EXTEND, user, now)
    checked_seconds(seconds)
    if after.expires is None:
        return after
    checked_seconds(seconds + (after.expires - now) // _SECOND)
    return replace(after, expires=after.expires + seconds * _SECOND)


def ended(one: Reservation, user: str, now: int) -> Reservation:
    """Over, or as it is if it is over already. Raises NotYourReservation."""
    return _over(_after(one, Act.END, user, now), user, now)


def interrupted(one: Reservation, user: str, reason: str, now: int) -> Reservation:
    """Over, or as it is if it is over already. Raises BadField when no reason is given."""
    checked_message(reason)
    if not reason.strip():
        raise BadField(field="message", reason="it is empty")
    return _over(_after(one, Act.INTERRUPT, user, now), user, now, reason)


def _after(one: Reservation, act: Act, user: str, now: int) -> Reservation:
    current = as_of(one, now)
    if act in OF_OWNER and user != current.user:
        raise NotYourReservation(number=current.number, node=current.node, owner=current.user, act=act)
    try:
        return replace(current, state=TABLE[current.state, act])
    except KeyError:
        raise ReservationOver(number=current.number, node=current.node) from None


def _over(after: Reservation, user: str, now: int, reason: str | None = None) -> Reservation:
    """Who ended it first has ended it."""
    if after.ended is not None:
        return after
    return replace(after, ended=now, ended_by=user, reason=reason)


def checked_nodes(names: Sequence[str], field: str = "nodes") -> tuple[str, ...]:
    """Raises BadField when there is none, there are too many, or one is named twice."""
    if not 0 < len(names) <= MOST_NODES:
        raise BadField(field=field, reason=f"{len(names)} nodes are not 1 to {MOST_NODES}")
    if len(set(names)) < len(names):
        raise BadField(field=field, reason="a node is named twice")
    return tuple(names)


def checked_seconds(seconds: int, field: str = "seconds") -> int:
    """Raises BadField when the duration is not 1 s to 100 years."""
    if not 0 < seconds <= LONGEST:
        raise BadField(field=field, reason=f"{seconds} is not a number from 1 to {LONGEST}")
    return seconds


def checked_message(message: str) -> str:
    """Raises BadField when it is too long, or no database could keep it."""
    if len(message) > _LONGEST_MESSAGE:
        raise BadField(field="message", reason=f"it is longer than {_LONGEST_MESSAGE} characters")
    if _NOT_TEXT.search(message):
        raise BadField(field="message", reason="it is not a text")
    return message
