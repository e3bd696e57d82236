"""What all schemas of the native API are."""

from msgspec import Struct


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client sends; a field that is not known is refused, it would be a typing mistake."""


class Answer(Struct, frozen=True):
    """What a client gets; fields may be added."""
