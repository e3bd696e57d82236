"""The streams and consumers, as data, and how they come to be.

The JetStream API is spoken as JSON: nats-py's dataclasses lack newer flags, and an update by them would drop
those.
"""

import asyncio
from typing import Any

import msgspec
from nats.aio.msg import Msg

from anyrig.bus import subjects
from anyrig.bus.link import Link
from anyrig.core.errors import BusUnavailable, NobodyThere

API_TIMEOUT = 5.0
"""Seconds for an answer of the JetStream API."""

PRESENCE_TTL = 30.0
"""Seconds after which a node that says nothing is gone; it speaks every ten."""
LONGEST_CHUNK = 64 * 1024
"""Bytes of log in one message."""
_SECOND = 1_000_000_000
_MB = 1024 * 1024
_EXISTS_OTHERWISE = 10058
_NO_SUCH_STREAM = 10059
_NO_SUCH_CONSUMER = 10014


def streams(replicas: int, presence_ttl: float) -> tuple[dict[str, Any], ...]:
    """What each stream is. ``replicas`` is 1, or 3 on a cluster; ``presence_ttl`` in seconds, 1 or more."""
    queue = {
        "storage": "file",
        "retention": "workqueue",
        "discard": "new",
        "num_replicas": replicas,
        "allow_msg_ttl": True,
        "duplicate_window": 3600 * _SECOND,  # as long as an outbox may repeat itself
    }
    return (
        queue | {"name": subjects.JOBS, "subjects": ["jobs.>"], "max_bytes": 64 * _MB},
        queue | {"name": subjects.EVENTS, "subjects": ["evt.>"], "max_bytes": 1024 * _MB},
        {
            "name": subjects.LOG,
            "subjects": ["log.>"],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": replicas,
            "max_age": 24 * 3600 * _SECOND,
            "max_bytes": 1024 * _MB,
        },
        {
            "name": subjects.PRESENCE,
            "subjects": ["$KV.presence.>"],
            "storage": "memory",
            "retention": "limits",
            "discard": "new",
            "num_replicas": replicas,
            "max_msgs_per_subject": 1,
            "max_age": int(presence_ttl * _SECOND),
            "max_bytes": 32 * _MB,
            "duplicate_window": int(presence_ttl * _SECOND),
            "subject_delete_marker_ttl": max(_SECOND, int(presence_ttl * _SECOND)),
            "allow_msg_ttl": True,
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_direct": True,
        },
    )


def _durable(name: str, subject: str, waiting: int) -> dict[str, Any]:
    return {
        "durable_name": name,
        "filter_subject": subject,
        "ack_policy": "explicit",
        "ack_wait": 30 * _SECOND,
        "max_ack_pending": waiting,
        "max_deliver": -1,  # attempts are counted in the database
    }


async def ensure(link: Link, replicas: int, presence_ttl: float) -> None:
    """Make or change the streams, and the consumer that ingests events. Raises BusUnavailable."""
    for stream in streams(replicas, presence_ttl):
        try:
            await api(link, f"STREAM.CREATE.{stream['name']}", stream)
        except BusUnavailable as error:
            if error.fields.get("err_code") != _EXISTS_OTHERWISE:
                raise
            await api(link, f"STREAM.UPDATE.{stream['name']}", stream)
    await _consumer(link, subjects.EVENTS, _durable(subjects.INGEST, "evt.>", 4096))


async def ensure_node(link: Link, node: str) -> None:
    """Make the consumer through which a node gets its jobs, one at a time. Raises BusUnavailable."""
    await _consumer(link, subjects.JOBS, _durable(node, subjects.job(node), 1))


async def remove_node(link: Link, node: str) -> None:
    """Remove a node's consumer and the jobs nobody will fetch any more. Raises BusUnavailable."""
    try:
        await api(link, f"CONSUMER.DELETE.{subjects.JOBS}.{node}", {})
    except BusUnavailable as error:
        if error.fields.get("err_code") not in {_NO_SUCH_CONSUMER, _NO_SUCH_STREAM}:
            raise
    await api(link, f"STREAM.PURGE.{subjects.JOBS}", {"filter": subjects.job(node)})


async def unacknowledged(link: Link, stream: str, consumer: str) -> int:
    """Messages that wait for the consumer, and those it was given but did not acknowledge."""
    info = await api(link, f"CONSUMER.INFO.{stream}.{consumer}", {})
    return int(info["num_pending"]) + int(info["num_ack_pending"])


async def reader(
    link: Link, stream: str, subject: str, start: int, *, newest: bool = False
) -> tuple[str, int]:
    """A consumer for one reading: its name, and how many messages wait for it. Raises BusUnavailable.

    It begins at the stream sequence ``start``, or with the newest message of each subject. NATS removes it a
    minute after the last look.
    """
    policy = {"deliver_policy": "last_per_subject"} if newest else _from(start)
    config = {
        **policy,
        "filter_subject": subject,
        "ack_policy": "none",
        "max_deliver": 1,
        "mem_storage": True,
        "num_replicas": 1,
        "inactive_threshold": 60 * _SECOND,
    }
    answer = await api(link, f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": config})
    return answer["name"], answer["num_pending"]


async def forget(link: Link, stream: str, consumer: str) -> None:
    """Remove a consumer made by ``reader``."""
    await api(link, f"CONSUMER.DELETE.{stream}.{consumer}", {})


def _from(start: int) -> dict[str, Any]:
    return {"deliver_policy": "by_start_sequence", "opt_start_seq": start}


async def _consumer(link: Link, stream: str, config: dict[str, Any]) -> None:
    body = {"stream_name": stream, "config": config}
    await api(link, f"CONSUMER.DURABLE.CREATE.{stream}.{config['durable_name']}", body)


async def api(link: Link, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the JetStream API. Raises BusUnavailable, with the field ``err_code`` when the API says no."""
    try:
        async with asyncio.timeout(API_TIMEOUT):
            return answer_of(await link.request(f"$JS.API.{verb}", msgspec.json.encode(body)))
    except TimeoutError as error:
        raise BusUnavailable(reason=f"{verb} took more than {API_TIMEOUT:.0f} s") from error
    except NobodyThere as error:
        raise BusUnavailable(reason="JetStream is not ready") from error


def answer_of(message: Msg) -> dict[str, Any]:
    """What JetStream answered. Raises BusUnavailable, with the field ``err_code``, when that is an error."""
    answer: dict[str, Any] = msgspec.json.decode(message.data)
    if "error" in answer:
        error = answer["error"]
        raise BusUnavailable(reason=error.get("description", "?"), err_code=error.get("err_code", 0))
    return answer
