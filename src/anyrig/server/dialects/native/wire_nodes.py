"""Nodes, and what is done to them, as the JSON of the native API and back: see ``wire``."""

from collections.abc import Iterable
from dataclasses import asdict

from anyrig.core.messages import DeviceOffer
from anyrig.core.reservations import Reservation, why_not
from anyrig.engine.node_devices import Press
from anyrig.engine.pages import NodeStanding
from anyrig.server.dialects.native import schema_nodes
from anyrig.server.dialects.native.wire import decoded, moment, moment_or_none
from anyrig.server.markdown import html_of


def reservation(found: Reservation, user: str) -> schema_nodes.Reservation:
    """As ``user`` sees it."""
    return schema_nodes.Reservation(
        number=found.number,
        node=found.node,
        user=found.user,
        yours=found.user == user,
        message=found.message,
        message_html=html_of(found.message),
        start=moment(found.start),
        expires=moment_or_none(found.expires),
        state=found.state,
        ended=moment_or_none(found.ended),
        ended_by=found.ended_by,
        reason=found.reason,
    )


def reservations(
    found: Iterable[Reservation], user: str, after: str | None = None
) -> schema_nodes.Reservations:
    """``after``: the cursor of the next page."""
    return schema_nodes.Reservations(tuple(reservation(one, user) for one in found), after)


def node(found: NodeStanding, user: str) -> schema_nodes.Node:
    """As ``user`` sees it."""
    record, now, held = found.record, found.now, found.reservation
    return schema_nodes.Node(
        name=record.name,
        agent=record.agent,
        online=now.online,
        kinds=tuple(sorted(record.kinds)),
        labels=tuple(sorted(record.labels)),
        busy_with=now.busy_with,
        available=why_not(now) is None,
        not_available_reason=why_not(now),
        reserved_by=now.reserved_by,
        reservation=None if held is None else reservation(held, user),
        trouble=now.trouble,
        device=_device(record.device),
        last_job=found.job.number if found.job else None,
        last_used_by=record.last_used_by,
        last_used=moment_or_none(record.last_used),
        seen=moment_or_none(record.seen or None),
        version=record.version,
        local_ip=record.local_ip,
        external_ip=record.external_ip,
    )


def _device(found: DeviceOffer | None) -> schema_nodes.Device | None:
    return None if found is None else schema_nodes.Device(**asdict(found))


def press(body: bytes) -> Press:
    wanted = decoded(body, schema_nodes.KeyPress)
    return Press(wanted.key, wanted.hold, wanted.remote_control, wanted.revision, wanted.project)
