"""Reads server-sent events (HTML standard, section 9.2.6)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its data was JSON."""

    name: str
    id: str
    """With which to come back for what follows."""
    data: Any


@dataclass(frozen=True, slots=True)
class _Fields:
    event: str = "message"
    id: str = ""
    data: str = ""


def parsed(lines: Iterable[str]) -> Iterator[Event]:
    """The events in the lines of an answer; comments and fields that are not known are passed over."""
    known = _Fields()
    for line in lines:
        if line:
            known = _with(known, line)
            continue
        if known.data:
            yield Event(known.event, known.id, msgspec.json.decode(known.data))
        known = _Fields(id=known.id)


def _with(known: _Fields, line: str) -> _Fields:
    name, _, value = line.partition(":")
    value = value.removeprefix(" ")
    if name == "data":
        return replace(known, data=f"{known.data}\n{value}" if known.data else value)
    return replace(known, **{name: value}) if name in {"event", "id"} else known
