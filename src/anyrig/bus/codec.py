"""Messages as JSON: the frozen values of ``core.messages`` to bytes and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec

from anyrig.core.errors import Invalid
from anyrig.core.messages import CaseFinished, CaseStarted, Event, EventBatch, Noted, TaskFinished

T = TypeVar("T")

EVENTS: dict[str, type[Event]] = {
    "case_started": CaseStarted,
    "case_finished": CaseFinished,
    "noted": Noted,
    "task_finished": TaskFinished,
}
"""What an event is called on the wire. A new kind of event is one line here."""
_NAMES = {kind: name for name, kind in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class _Batch:
    """An EventBatch on the wire: each event is the pair of its name and its fields."""

    task: int
    attempt: int
    node: str
    events: tuple[tuple[str, msgspec.Raw], ...]


def encode(message: Any) -> bytes:
    """The JSON of a message, UTF-8."""
    return msgspec.json.encode(_packed(message) if isinstance(message, EventBatch) else message)


def decode(kind: type[T], data: bytes) -> T:
    """The message of this kind in ``data``.

    Raises:
        Invalid: The bytes are no such message, or no JSON at all.
    """
    try:
        if kind is EventBatch:
            return cast("T", _unpacked(msgspec.json.decode(data, type=_Batch)))
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Invalid(reason=f"no {kind.__name__}: {error}") from error


Object = tuple[str, str, bytes]
"""A small object that travels with what speaks of it: SHA-256 and MD5 in hex, and its bytes."""


def encode_with_objects(batch: EventBatch, objects: Sequence[Object]) -> bytes:
    """A batch and the small objects that it speaks of, in one message (MessagePack)."""
    return msgspec.msgpack.encode((encode(batch), objects))


def decode_with_objects(data: bytes) -> tuple[EventBatch, list[Object]]:
    """What ``encode_with_objects`` made. Raises Invalid."""
    try:
        batch, objects = msgspec.msgpack.decode(data, type=tuple[bytes, list[Object]])
    except msgspec.MsgspecError as error:
        raise Invalid(reason=f"no batch of events: {error}") from error
    return decode(EventBatch, batch), objects


def _packed(batch: EventBatch) -> _Batch:
    events = tuple((_NAMES[type(event)], msgspec.Raw(msgspec.json.encode(event))) for event in batch.events)
    return _Batch(batch.task, batch.attempt, batch.node, events)


def _unpacked(batch: _Batch) -> EventBatch:
    events = tuple(_event(name, fields) for name, fields in batch.events)
    return EventBatch(batch.task, batch.attempt, batch.node, events)


def _event(name: str, fields: msgspec.Raw) -> Event:
    if name not in EVENTS:
        raise ValueError(f"unknown event '{name}'")
    return msgspec.json.decode(fields, type=EVENTS[name])
