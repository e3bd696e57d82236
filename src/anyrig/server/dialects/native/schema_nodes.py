"""Schemas of nodes and of what is done to them: see ``schema``."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from anyrig.server.dialects.native.schema_base import Answer, Body


class KeyPress(Body, frozen=True):
    """A key to press on a node's device."""

    key: Annotated[str, Meta(description="Its name, such as `KEY_OK`.", examples=["KEY_OK"])]
    hold: Annotated[float | None, Meta(description="Seconds to hold it; else a short press.")] = None
    remote_control: Annotated[
        str | None,
        Meta(
            description="As the test pack describes it; else the revision's default one; without a revision, "
            "too, the one that was used last."
        ),
    ] = None
    revision: Annotated[str | None, Meta(description="Of the test pack; else its main branch.")] = None
    project: Annotated[str | None, Meta(description="Whose test pack; else the first's.")] = None


class NewReservation(Body, frozen=True):
    """Nodes to reserve: all of them, or none."""

    nodes: Annotated[tuple[str, ...], Meta(examples=[["tv1", "tv2"]])]
    message: Annotated[str, Meta(description="What for, in Markdown: everybody else reads it.")] = ""
    seconds: Annotated[int | None, Meta(description="For how long; else until it is ended.")] = None


class MoreTime(Body, frozen=True):
    """How much longer to keep a node."""

    seconds: int


class Interruption(Body, frozen=True):
    """Why a node is needed that somebody else has reserved."""

    message: Annotated[str, Meta(description="In Markdown: the owner of the reservation is told.")]


class Reservation(Answer, frozen=True):
    """A node that is kept for one user."""

    number: int
    node: str
    user: str
    yours: bool
    message: str
    message_html: Annotated[str, Meta(description="The message as HTML without anything harmful.")]
    start: datetime
    expires: Annotated[datetime | None, Meta(description="None: it is held until it is ended.")]
    state: Annotated[str, Meta(description="`held`; then `ended`, `interrupted`, `expired`.")]
    ended: datetime | None
    ended_by: str | None
    reason: Annotated[str | None, Meta(description="What who interrupted it tells the owner, in Markdown.")]


class Reservations(Answer, frozen=True):
    """Some reservations."""

    reservations: tuple[Reservation, ...]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page.")] = None


class Device(Answer, frozen=True):
    """What stands at a node: how it is seen, and how keys get there."""

    kind: str
    control: Annotated[str | None, Meta(description="None: nothing presses keys.")]
    width: int
    height: int


class Node(Answer, frozen=True):
    """One rig."""

    name: str
    agent: str
    online: bool
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    busy_with: Annotated[str | None, Meta(description="The uid of the job that it runs.")]
    available: Annotated[bool, Meta(description="It can be reserved now.")]
    not_available_reason: str | None
    reserved_by: str | None
    reservation: Reservation | None
    trouble: str | None
    device: Device | None
    last_job: Annotated[int | None, Meta(description="The number of the job that it runs or ran last.")]
    last_used_by: str | None
    last_used: datetime | None
    seen: datetime | None
    version: str | None
    local_ip: str | None
    external_ip: str | None


class Nodes(Answer, frozen=True):
    """All nodes, by name."""

    nodes: tuple[Node, ...]
