"""Nodes as placement and clients see them."""

from dataclasses import dataclass

OFFLINE_AFTER = 30_000_000
"""A node that was silent for this long, in microseconds, is offline."""


@dataclass(frozen=True, slots=True)
class Node:
    """One rig as placement sees it."""

    name: str
    online: bool
    kinds: frozenset[str]
    labels: frozenset[str]
    busy_with: str | None = None
    """The uid of the job that holds the node's lease."""
    reserved_by: str | None = None
    trouble: str | None = None
    """Why the node is not healthy: a sentence such as "no video from /dev/video0"."""


def presence_seconds(lease: int) -> float:
    """How often a node says that it is there, for a lease in microseconds: ten seconds, or thrice a lease."""
    return min(10.0, lease / 3e6)


def is_online(seen: int | None, now: int) -> bool:
    """Whether a node last heard of at ``seen`` (microseconds, None for never) counts as online at ``now``."""
    return seen is not None and now - seen < OFFLINE_AFTER
