"""One tree of errors.

The first paragraph of an error's docstring is its message: a sentence that names the thing, with the fields
given to the constructor filled in. ``code`` is the stable name that clients may compare. The class an error
derives from says what kind of trouble it is; each edge (a dialect, the CLI) has one table from these kinds to
its own statuses. Nothing in this module knows HTTP.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self


class AnyrigError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        sentence = inspect.cleandoc(type(self).__doc__ or "").split("\n\n", maxsplit=1)[0]
        super().__init__(" ".join(sentence.format(**fields).split()))

    @classmethod
    def told(cls, code: str, fields: Mapping[str, Any]) -> "Self | None":
        """The error of this kind that another process told of; None when there is none of that code."""
        kinds = [cls]
        for kind in kinds:
            if kind.code == code:
                try:
                    return kind(**fields)
                except (LookupError, ValueError):
                    return None
            kinds += kind.__subclasses__()
        return None


class Invalid(AnyrigError):
    """The request is not valid: {reason}."""

    code = "invalid"


class NotFound(AnyrigError):
    """There is no {what} '{name}'."""

    code = "not_found"


class Gone(AnyrigError):
    """The {what} '{name}' has been deleted."""

    code = "gone"


class Conflict(AnyrigError):
    """The request conflicts with the present state: {reason}."""

    code = "conflict"


class Unavailable(AnyrigError):
    """{what} is not available right now: {reason}."""

    code = "unavailable"


class Unauthenticated(AnyrigError):
    """The access token is missing or not valid."""

    code = "unauthenticated"


class Forbidden(AnyrigError):
    """{user} (role {role}) is not allowed to {action}."""

    code = "forbidden"


class TooManyRequests(AnyrigError):
    """Too many requests; wait {seconds:.0f} s and try again."""

    code = "too_many_requests"


class BadFilter(Invalid):
    """The filter is not valid: {reason}."""

    code = "bad_filter"


class BadField(Invalid):
    """The field '{field}' is not valid: {reason}."""

    code = "bad_field"


class NodeBusy(Conflict):
    """Node {node} is in use: {reason}."""

    code = "node_busy"


class NodeOffline(Unavailable):
    """Node {node} is offline."""

    code = "node_offline"


class NodeTroubled(Unavailable):
    """Node {node}: {trouble}."""

    code = "node_troubled"


class RevisionNotFound(NotFound):
    """There is no branch, tag or commit '{revision}' in the test pack of project '{project}'."""

    code = "revision_not_found"


class PackUnavailable(Unavailable):
    """The test pack of project '{project}' cannot be read: {reason}."""

    code = "pack_unavailable"


class BadObject(Invalid):
    """The upload of {sha256} is not what was announced: {reason}."""

    code = "bad_object"


class StoreFull(Unavailable):
    """The server's storage is full: {reason}."""

    code = "store_full"


class BusUnavailable(Unavailable):
    """The message bus did not answer: {reason}."""

    code = "bus_unavailable"


class NobodyThere(Unavailable):
    """Nobody listens on {subject}."""

    code = "nobody_there"


class BadReport(Invalid):
    """The JUnit file {file} cannot be read: {reason}."""

    code = "bad_report"


class WrongOffset(Conflict):
    """The upload of {sha256} goes on at byte {offset}."""

    code = "wrong_offset"


class PeerFailed(Unavailable):
    """{subject} could not do it: {reason}."""

    code = "peer_failed"


class KeyReused(Conflict):
    """The idempotency key was used before, for another request."""

    code = "key_reused"


class EnvironmentFailed(Unavailable):
    """The Python environment of the test pack could not be made: {reason}."""

    code = "environment_failed"


class NoVideo(Unavailable):
    """no video from {source}{because}"""  # noqa: D415 - it goes on in other sentences

    code = "no_video"


class UnknownKey(Invalid):
    """The control {control} has no key '{key}'."""

    code = "unknown_key"


class NoControl(Invalid):
    """Device {device} has nothing that presses keys."""

    code = "no_control"


class ControlFailed(Unavailable):
    """The control {control} did not do it: {reason}."""

    code = "control_failed"


class NodeReserved(Conflict):
    """Node {node} is reserved by @{user}."""

    code = "node_reserved"


class NodesNotFree(Conflict):
    """Nothing was reserved: {reasons}.

    ``fields["nodes"]`` has the sentence of each node that is in the way.
    """

    code = "nodes_not_free"


class ReservationOver(Conflict):
    """Reservation {number} of node {node} is over."""

    code = "reservation_over"


class NotYourReservation(Forbidden):
    """Reservation {number} of node {node} was made by @{owner}: nobody else can {act} it."""

    code = "not_your_reservation"


class BadSecret(Invalid):
    """The secret '{name}' of the test pack cannot be used: {reason}."""

    code = "bad_secret"


class KeyUnreadable(Unavailable):
    """The key of project '{project}' cannot be read: {reason}."""

    code = "key_unreadable"
