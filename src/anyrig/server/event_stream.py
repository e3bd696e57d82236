"""Answers that are sent piece by piece, among them server-sent events (HTML standard, section 9.2)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Send

from anyrig.core.told import TaskTold, Told, told_of, told_text, with_task
from anyrig.engine.live import NewResult
from anyrig.engine.logs import LogLines

HEARTBEAT = b": still here\n\n"
"""A comment: keeps proxies from closing the connection, and tells us of a client that is gone."""
LAST_EVENT_ID = "last-event-id"
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
_encode = msgspec.json.Encoder().encode


def event(name: str, data: object, event_id: str = "") -> bytes:
    """One event; ``data`` goes as JSON, so nothing in it can break the lines."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: ".encode() + _encode(data) + b"\n\n"


def told_with(told: Told, happening: LogLines | NewResult) -> Told:
    """What the client was told once it has got this, too."""
    known = told_of(told, happening.task)
    match happening:
        case LogLines(attempt=attempt, end=end):
            now = TaskTold(attempt, end, known.results)
        case NewResult():
            now = TaskTold(known.attempt, known.offset, known.results + 1)
    return with_task(told, happening.task, now)


class EventNumbers:
    """Numbers the events of one answer so that a client can come back and miss nothing."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def after(self, happening: LogLines | NewResult) -> str:
        """The id of the event that tells this."""
        self._told = told_with(self._told, happening)
        return told_text(self._told)


class Streamed(StreamingResponse):
    """Sends the pieces that a context gives, and leaves the context in the task that entered it."""

    def __init__(self, pieces: AbstractAsyncContextManager[AsyncIterator[bytes]], media_type: str) -> None:
        super().__init__((), headers=_HEADERS, media_type=media_type)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        async with self._pieces as pieces:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
