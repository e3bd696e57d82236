"""Publishing into a stream until JetStream confirms it."""

import asyncio
from dataclasses import dataclass

from nats.aio.msg import Msg

from anyrig.bus.connection import Connection
from anyrig.bus.pauses import pauses
from anyrig.bus.streams import answer_of
from anyrig.core.errors import BusUnavailable, NobodyThere

ATTEMPT = 5.0
"""Seconds to wait for one confirmation before the same message is published again."""
LONGEST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Stored:
    """JetStream's word that a message is kept."""

    sequence: int
    """Its place in the stream, from 1."""
    duplicate: bool
    """True when a message with this id was there already, and this one was dropped."""


async def store(
    connection: Connection, subject: str, payload: bytes, headers: dict[str, str], within: float
) -> Stored:
    """Publish, and again with the same headers, until it is confirmed, ``within`` seconds at most.

    Raises:
        BusUnavailable: No confirmation came; the message may be stored all the same.
        Invalid: It is larger than the bus takes.
    """
    reason = "there is no connection"
    try:
        async with asyncio.timeout(within):
            for pause in pauses(LONGEST_PAUSE):
                link = await connection.link()
                try:
                    async with asyncio.timeout(ATTEMPT):
                        return _stored(await link.request(subject, payload, headers))
                except (BusUnavailable, NobodyThere, TimeoutError) as error:
                    reason = str(error) or f"no confirmation within {ATTEMPT:.0f} s"
                await asyncio.sleep(pause)
    except TimeoutError:
        pass
    raise BusUnavailable(reason=f"{subject} was not confirmed: {reason}")


def _stored(message: Msg) -> Stored:
    answer = answer_of(message)
    return Stored(answer["seq"], answer.get("duplicate", False))
