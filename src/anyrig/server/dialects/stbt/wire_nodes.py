"""Nodes in the words of stb-tester."""

from anyrig.core.node_config import value_of
from anyrig.engine.node_devices import Press
from anyrig.engine.node_views import NodeView
from anyrig.server.dialects.stbt.wire import OFFSET, Json, moment
from anyrig.server.dialects.stbt.wire_fields import optional, seconds, text
from anyrig.server.dialects.stbt.wire_jobs import job_json
from anyrig.server.dialects.stbt.wire_reservations import reservation_json

_NEVER = "9999-12-31"
"""When the licence of a node ends: it needs none, and the document promises a date."""


def node_json(view: NodeView, base: str, user: str) -> Json:
    """A node with every field of the document, as ``user`` sees it."""
    record = view.record
    return {
        "available": view.not_available is None,
        "config": view.config,
        "device_type": value_of(view.config, "device_under_test", "device_type"),
        "external_ip_address": record.external_ip,
        "friendly_name": _friendly_name(view),
        "geoip_city": None,
        "geoip_country": None,
        "job": None if view.job is None else job_json(view.job, base, OFFSET),
        "last_used_by": record.last_used_by,
        "last_used_time": None if record.last_used is None else moment(record.last_used, OFFSET),
        "licence_expiry": _NEVER,
        "local_ip_address": record.local_ip,
        "node_id": record.name,
        "node_url": f"{base}/api/v2/nodes/{record.name}",
        "not_available_reason": view.not_available,
        "online": view.online,
        "reservation": None if view.reservation is None else reservation_json(view.reservation, user),
    }


def workgroup_json(view: NodeView) -> Json:
    """A node as the portal's own pages list it."""
    return {"id": view.record.name, "friendly_name": _friendly_name(view)}


def press_from(body: Json) -> Press:
    """The body of ``POST nodes/{node}/press``; ``hold_secs`` and ``project`` are ours. Raises BadField."""
    return Press(
        key=text(body, "key"),
        hold=seconds(body, "hold_secs"),
        remote_control=optional(body, "remote_control"),
        revision=optional(body, "test_pack_revision"),
        project=optional(body, "project"),
    )


def _friendly_name(view: NodeView) -> str | None:
    return value_of(view.config, "node", "friendly_name")
