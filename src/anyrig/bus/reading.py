"""Reading a stream without taking anything from it: a log from its start, presence as it changes."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

from anyrig.bus import streams, subjects
from anyrig.bus.connection import Connection
from anyrig.bus.link import Link
from anyrig.bus.pauses import pauses
from anyrig.bus.pull import Delivery, Pull, Send
from anyrig.core.errors import BusUnavailable

log = logging.getLogger(__name__)

PresenceHandler = Callable[[str, bytes | None], Awaitable[None]]

OFFSET = "Off"
"""The header of a chunk: the byte of the log it begins at."""
BATCH = 64
LONGEST_PAUSE = 2.0
PATIENCE = 10.0
"""Seconds to wait for a connection when the reading is to come to an end."""


async def log_chunks(
    connection: Connection, subject: str, send: Send, *, follow: bool
) -> AsyncGenerator[tuple[int, bytes]]:
    """Offset and bytes, in order, each byte once. Raises BusUnavailable unless it follows."""
    after, end = 0, 0
    tries = pauses(LONGEST_PAUSE)
    while True:
        try:
            link = await connection.link(None if follow else PATIENCE)
            async with _opened(link, subjects.LOG, subject, after + 1, send) as (pull, waiting):
                pending = waiting
                while follow or pending:
                    for chunk in await pull.next():
                        after, pending = chunk.sequence, chunk.pending
                        offset, fresh = _fresh(chunk, end)
                        if fresh:
                            end = offset + len(fresh)
                            yield offset, fresh
                return
        except BusUnavailable:
            if not follow:
                raise
        await asyncio.sleep(next(tries))


def _fresh(chunk: Delivery, end: int) -> tuple[int, bytes]:
    """What of a chunk was not read yet, when the log was read up to ``end``; a sender may repeat itself."""
    offset = chunk.headers.get(OFFSET, "")
    if not (offset.isascii() and offset.isdigit()):
        log.warning("a chunk of %s has no offset", chunk.subject)
        return end, b""
    known = max(0, end - int(offset))
    return int(offset) + known, chunk.data[known:]


async def watch_presence(
    connection: Connection, handler: PresenceHandler, send: Send, ttl: float
) -> NoReturn:
    """Tell the handler of each node that is there, and again at each sign of life; None when it is gone."""
    known: set[str] = set()
    tries = pauses(LONGEST_PAUSE)
    while True:
        link = await connection.link()
        with suppress(BusUnavailable):
            async with _opened(link, subjects.PRESENCE, "$KV.presence.>", 0, send, newest=True) as (pull, _):
                await _watch(pull, handler, known, ttl)
        await asyncio.sleep(next(tries))


async def _watch(pull: Pull, handler: PresenceHandler, known: set[str], ttl: float) -> NoReturn:
    # A bucket that came back empty sends no word of the nodes it forgot: they get as long as any other.
    unheard = set(known)
    patience = asyncio.get_running_loop().time() + ttl
    while True:
        for delivery in await pull.next():
            node = subjects.presence_node(delivery.subject)
            unheard.discard(node)
            await _tell(handler, known, node, None if _is_marker(delivery) else delivery.data)
        if unheard and asyncio.get_running_loop().time() > patience:
            for node in unheard:
                await _tell(handler, known, node, None)
            unheard.clear()


async def _tell(handler: PresenceHandler, known: set[str], node: str, payload: bytes | None) -> None:
    (known.discard if payload is None else known.add)(node)
    try:
        await handler(node, payload)
    except Exception:
        log.exception("the handler of presence failed at %s", node)


def _is_marker(delivery: Delivery) -> bool:
    return "Nats-Marker-Reason" in delivery.headers or "KV-Operation" in delivery.headers


@asynccontextmanager
async def _opened(
    link: Link, stream: str, subject: str, start: int, send: Send, *, newest: bool = False
) -> AsyncIterator[tuple[Pull, int]]:
    """A consumer of our own, and how many messages wait for it."""
    consumer, pending = await streams.reader(link, stream, subject, start, newest=newest)
    try:
        async with Pull(link, stream, consumer, BATCH, send) as pull:
            yield pull, pending
    finally:
        with suppress(BusUnavailable):
            await streams.forget(link, stream, consumer)
