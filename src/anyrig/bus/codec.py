"""Messages as JSON: the frozen values of ``core.messages`` to bytes and back."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec

from anyrig.core.errors import Invalid
from anyrig.core.messages import CaseFinished, CaseStarted, Event, EventBatch, TaskFinished

T = TypeVar("T")

EVENTS: dict[str, type[Event]] = {
    "case_started": CaseStarted,
    "case_finished": CaseFinished,
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
