"""Nodes: how they stand, what the pack says of them, and pictures of what they show."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal


@pytest.fixture(scope="module")
def dark(portal: "Portal") -> str:
    """A node that was enrolled and never heard of."""
    made = portal.http.post("/api/v3/agents", json={"name": "cellar"})
    assert made.status_code == 201, made.text
    credential = f"cellar.{made.json()['secret']}"
    offer = {"version": "1", "nodes": [{"name": "dark", "kinds": ["python"], "labels": []}]}
    answer = httpx.post(
        f"{portal.farm.url}/api/v3/agent/enrol", json=offer, headers={"Authorization": f"Bearer {credential}"}
    )
    assert answer.status_code == 200, answer.text
    return "dark"


def test_a_node_has_every_field_of_the_document(portal: "Portal", ran: Any) -> None:
    node = portal.json(f"nodes/{portal.farm.node}")
    job = node.pop("job")
    assert node.pop("last_used_time").endswith("+00:00")
    assert node == {
        "available": True,
        "config": {
            "node": {"friendly_name": "Rack 3, Node 1"},
            "device_under_test": {"device_type": "roku", "ip_address": "192.168.1.108"},
        },
        "device_type": "roku",
        "external_ip_address": "127.0.0.1",
        "friendly_name": "Rack 3, Node 1",
        "geoip_city": None,
        "geoip_country": None,
        "last_used_by": "admin",
        "licence_expiry": "9999-12-31",
        "local_ip_address": "127.0.0.1",
        "node_id": portal.farm.node,
        "node_url": f"{portal.farm.url}/api/v2/nodes/{portal.farm.node}",
        "not_available_reason": None,
        "online": True,
        "reservation": None,
    }
    assert job["status"] == "exited"
    assert job["end_time"].endswith("+00:00")


def test_a_node_that_was_never_used_has_nulls(portal: "Portal") -> None:
    node = portal.json(f"nodes/{portal.farm.other_node}")
    assert (node["job"], node["last_used_by"], node["last_used_time"]) == (None, None, None)
    assert (node["config"], node["friendly_name"], node["device_type"]) == ({}, None, None)


def test_a_busy_node_is_not_available_and_says_why(portal: "Portal") -> None:
    job = portal.run("tests/soak.py::test_that_takes_minutes")
    node = portal.json(f"nodes/{portal.farm.node}")
    assert (node["available"], node["online"]) == (False, True)
    assert job["job_uid"] in node["not_available_reason"]
    assert node["job"]["status"] == "running"
    assert node["job"]["end_time"] is None
    portal.stop(job)


def test_an_offline_node_says_so_everywhere(portal: "Portal", dark: str) -> None:
    node = portal.json(f"nodes/{dark}")
    sentence = "Node dark is offline."
    assert (node["available"], node["online"], node["not_available_reason"]) == (False, False, sentence)
    for picture in ("screenshot.png", "thumbnail.jpg"):
        assert portal.get(f"nodes/{dark}/{picture}", 503).text == sentence
    assert portal.run("tests/verdicts.py::test_that_passes", node_id=dark, status=503) == sentence
    pressed = portal.http.post(f"/api/v2/nodes/{dark}/press", json={"key": "KEY_OK"})
    assert (pressed.status_code, pressed.text) == (503, sentence)


def test_all_nodes_are_listed(portal: "Portal", dark: str) -> None:
    nodes = portal.json("nodes")
    assert [node["node_id"] for node in nodes] == [
        dark,
        portal.farm.node,
        portal.farm.other_node,
        portal.farm.new_node,
        portal.farm.spare_node,
    ]
    assert nodes[1] == portal.json(f"nodes/{portal.farm.node}")


@pytest.mark.parametrize("picture", ["screenshot.png", "thumbnail.jpg"])
def test_a_node_without_a_device_has_no_picture(portal: "Portal", picture: str) -> None:
    sentence = portal.get(f"nodes/{portal.farm.node}/{picture}", 404).text
    assert sentence == f"There is no device on node '{portal.farm.node}'."


@pytest.mark.parametrize("path", ["", "/job", "/job/await_completion", "/screenshot.png", "/thumbnail.jpg"])
def test_a_node_that_nobody_knows_is_not_found(portal: "Portal", path: str) -> None:
    assert portal.get(f"nodes/nobody{path}", 404).text == "There is no node 'nobody'."


@pytest.mark.parametrize("query", ["", "?ref=HEAD"])
def test_the_workgroup_lists_the_nodes(portal: "Portal", dark: str, query: str) -> None:
    answer = portal.http.get(f"/api/_private/workgroup{query}")
    assert answer.status_code == 200
    assert answer.json() == [
        {"id": dark, "friendly_name": None},
        {"id": portal.farm.node, "friendly_name": "Rack 3, Node 1"},
        {"id": portal.farm.other_node, "friendly_name": None},
        {"id": portal.farm.new_node, "friendly_name": None},
        {"id": portal.farm.spare_node, "friendly_name": None},
    ]
