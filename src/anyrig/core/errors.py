"""One tree of errors.

The first paragraph of an error's docstring is its message: a sentence that names the thing, with the fields
given to the constructor filled in. ``code`` is the stable name that clients may compare. The class an error
derives from says what kind of trouble it is; each edge (a dialect, the CLI) has one table from these kinds to
its own statuses. Nothing in this module knows HTTP.
"""

import inspect
from typing import ClassVar


class AnyrigError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        sentence = inspect.cleandoc(type(self).__doc__ or "").split("\n\n", maxsplit=1)[0]
        super().__init__(" ".join(sentence.format(**fields).split()))


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
