"""Reservations, as stb-tester's document has them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal

Json = Any
SOAK = "Reserved for overnight DVR soak\n\nSee JIRA-12345 for details"


@dataclass(frozen=True)
class User:
    """Somebody with a token, who reserves nodes."""

    name: str
    http: httpx.Client

    def post(self, path: str, body: Json = None, status: int = 204) -> httpx.Response:
        answer = self.http.post(f"/api/v2/reservations{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer

    def reserve(self, *nodes: str, message: str = SOAK, status: int = 200, **more: Json) -> Json:
        body = {"node_ids": nodes, "message": message, **more}
        answer = self.post("", body, status)
        return answer.json()["reservations"] if status == 200 else answer.text

    def end(self, number: object, status: int = 204) -> str:
        answer = self.http.delete(f"/api/v2/reservations/{number}")
        assert answer.status_code == status, answer.text
        return answer.text

    def node(self, name: str) -> Json:
        return self.http.get(f"/api/v2/nodes/{name}").json()


@pytest.fixture
def users(portal: "Portal") -> Iterator[dict[str, User]]:
    """John, Jane and Vera, who only looks on; whatever is reserved is interrupted in the end."""
    roles = {"johnsmith": "operator", "jane": "operator", "vera": "viewer"}
    made = {
        name: User(name, portal.farm.client(portal.farm.new_token(name, role)))
        for name, role in roles.items()
    }
    yield made
    for node in portal.json("nodes"):
        if node["reservation"]:
            made["jane"].post(
                f"/{node['reservation']['reservation_id']}/interrupt", {"message": "The test is over"}
            )
    for user in made.values():
        user.http.close()


@pytest.fixture
def john(users: dict[str, User]) -> User:
    return users["johnsmith"]


@pytest.fixture
def jane(users: dict[str, User]) -> User:
    return users["jane"]


@pytest.fixture
def nodes(portal: "Portal") -> tuple[str, str]:
    return portal.farm.node, portal.farm.spare_node


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def test_two_nodes_are_reserved_for_twelve_hours(john: User, nodes: tuple[str, str]) -> None:
    made = john.reserve(*nodes, duration_secs=12 * 60 * 60)
    assert [one["node_id"] for one in made] == list(nodes)
    assert made[0]["reservation_id"] != made[1]["reservation_id"]
    for one in made:
        assert one == {
            "expires": one["expires"],
            "message": SOAK,
            "message_html": "<p>Reserved for overnight DVR soak</p>\n<p>See JIRA-12345 for details</p>",
            "node_id": one["node_id"],
            "reservation_id": one["reservation_id"],
            "reserved_by_you": True,
            "start_time": one["start_time"],
            "username": "johnsmith",
        }
        assert isinstance(one["reservation_id"], int)
        assert moment(one["expires"]) - moment(one["start_time"]) == timedelta(hours=12)


def test_a_reserved_node_says_by_whom_to_everybody(john: User, jane: User, nodes: tuple[str, str]) -> None:
    name = nodes[0]
    (one,) = john.reserve(name)
    assert one["expires"] is None
    mine, theirs = john.node(name), jane.node(name)
    assert mine["reservation"] == one
    assert theirs["reservation"] == one | {"reserved_by_you": False}
    for node in (mine, theirs):
        assert node["available"] is False
        assert node["online"] is True
        assert node["not_available_reason"] == f"Node {name} reserved by @johnsmith"
        assert node["last_used_by"] == "johnsmith"
    listed = {node["node_id"]: node for node in jane.http.get("/api/v2/nodes").json()}
    assert listed[name] == theirs
    john.end(one["reservation_id"])
    free = jane.node(name)
    assert (free["available"], free["not_available_reason"], free["reservation"]) == (True, None, None)


def test_none_is_reserved_when_one_is_not_free(
    john: User, jane: User, nodes: tuple[str, str], portal: "Portal"
) -> None:
    john.reserve(nodes[0])
    said = jane.reserve(portal.farm.new_node, *nodes, status=409)
    assert said == f"Nothing was reserved: Node {nodes[0]} reserved by @johnsmith."
    assert jane.node(nodes[1])["reservation"] is None
    assert "reserved by @johnsmith" in john.reserve(nodes[0], status=409)
    assert jane.reserve("nobody", nodes[1], status=404) == "There is no node 'nobody'."
    jane.reserve("a b/\u0441", status=404)


def test_a_busy_node_cannot_be_reserved_even_by_whose_job_it_runs(portal: "Portal", john: User) -> None:
    job = portal.run("tests/soak.py::test_that_takes_minutes")
    said = john.reserve(portal.farm.spare_node, portal.farm.node, status=409)
    assert job["job_uid"] in said
    body = {"node_ids": [portal.farm.node], "message": "mine"}
    assert portal.http.post("/api/v2/reservations", json=body).status_code == 409
    portal.stop(job)
    john.reserve(portal.farm.node)


@pytest.mark.parametrize(
    "change",
    [
        {"node_ids": None},
        {"node_ids": []},
        {"node_ids": "local-1"},
        {"node_ids": ["local-1", "local-1"]},
        {"message": None},
        {"message": ""},
        {"message": 3},
        {"duration_secs": 0},
        {"duration_secs": -60},
        {"duration_secs": "60"},
        {"duration_secs": 1.5},
        {"duration_secs": True},
        {"duration_secs": 10**12},
    ],
)
def test_a_parameter_that_is_not_valid_is_named(john: User, change: dict[str, Any]) -> None:
    body = {"node_ids": ["local-1"], "message": SOAK, "duration_secs": 60} | change
    assert f"'{next(iter(change))}'" in john.post("", body, 400).text


def test_a_body_that_is_no_object_is_refused(john: User) -> None:
    for body in (b"", b"[]", b"{"):
        assert john.http.post("/api/v2/reservations", content=body).status_code == 400


def test_a_reservation_is_extended_by_ten_minutes(john: User, nodes: tuple[str, str]) -> None:
    (one,) = john.reserve(nodes[0], duration_secs=60)
    number = one["reservation_id"]
    assert john.post(f"/{number}/extend", {"duration_secs": 10 * 60}).content == b""
    after = john.node(nodes[0])["reservation"]
    assert moment(after["expires"]) - moment(one["expires"]) == timedelta(minutes=10)
    assert after == one | {"expires": after["expires"]}


def test_an_extension_that_makes_no_sense_is_refused(
    john: User, jane: User, users: dict[str, User], nodes: tuple[str, str]
) -> None:
    (one,) = john.reserve(nodes[0], duration_secs=60)
    path = f"/{one['reservation_id']}/extend"
    for body in ({}, {"duration_secs": 0}, {"duration_secs": None}, {"duration_secs": "1"}):
        john.post(path, body, 400)
    assert "was made by @johnsmith" in jane.post(path, {"duration_secs": 5}, 403).text
    users["vera"].post(path, {"duration_secs": 5}, 403)
    john.post("/99999999/extend", {"duration_secs": 5}, 404)
    john.post("/x/extend", {"duration_secs": 5}, 400)
    john.end(one["reservation_id"])
    assert "is over" in john.post(path, {"duration_secs": 5}, 400).text


def test_a_reservation_is_ended_by_its_owner_any_number_of_times(
    john: User, jane: User, nodes: tuple[str, str]
) -> None:
    (one,) = john.reserve(nodes[0])
    number = one["reservation_id"]
    assert "was made by @johnsmith" in jane.end(number, 403)
    assert john.end(number) == ""
    assert john.end(number) == ""
    jane.end(number, 403)
    john.end(99_999_999, 404)
    john.end("9" * 100, 404)
    john.end("x", 400)


def test_anybody_interrupts_a_reservation_with_a_message(
    john: User, jane: User, users: dict[str, User], nodes: tuple[str, str]
) -> None:
    (one,) = john.reserve(nodes[0])
    path = f"/{one['reservation_id']}/interrupt"
    for body in ({}, {"message": None}, {"message": ""}, {"message": " \n"}, {"message": 1}):
        jane.post(path, body, 400)
    users["vera"].post(path, {"message": "I only look on"}, 403)
    assert john.node(nodes[0])["reservation"] is not None
    message = {"message": "Node needed for emergency regression testing\n\nSee JIRA-54321."}
    assert jane.post(path, message).content == b""
    assert jane.node(nodes[0])["available"] is True
    jane.post(path, message)
    john.end(one["reservation_id"])
    jane.post("/99999999/interrupt", message, 404)
    jane.post("/x/interrupt", message, 400)


def test_a_bad_token_is_forbidden_everywhere(portal: "Portal") -> None:
    for method, path in (
        ("POST", ""),
        ("POST", "/1/extend"),
        ("POST", "/1/interrupt"),
        ("DELETE", "/1"),
    ):
        answer = httpx.request(method, f"{portal.farm.url}/api/v2/reservations{path}", json={})
        assert answer.status_code == 403


def test_whoever_only_looks_on_reserves_nothing(users: dict[str, User], nodes: tuple[str, str]) -> None:
    assert "vera (role viewer)" in users["vera"].reserve(nodes[0], status=403)


def test_others_cannot_run_tests_on_a_reserved_node(
    portal: "Portal", john: User, jane: User, nodes: tuple[str, str]
) -> None:
    john.reserve(nodes[0])
    body = {
        "node_id": nodes[0],
        "test_pack_revision": "main",
        "test_cases": ["tests/soak.py::test_that_takes_minutes"],
    }
    refused = jane.http.post("/api/v2/run_tests", json=body)
    assert (refused.status_code, refused.text) == (409, f"Node {nodes[0]} is reserved by @johnsmith.")
    started = john.http.post("/api/v2/run_tests", json=body)
    assert started.status_code == 200, started.text
    uid = started.json()["job_uid"]
    for path in (f"jobs{uid}/stop", f"nodes/{nodes[0]}/job/stop"):
        refused = jane.http.post(f"/api/v2/{path}")
        assert (refused.status_code, refused.text) == (409, f"Node {nodes[0]} is reserved by @johnsmith.")
    assert portal.json(f"jobs{uid}")["status"] == "running"
    while (answer := john.http.put(f"/api/v2/jobs{uid}/stop")).status_code == 202:
        pass
    assert answer.json()["status"] == "exited"
    assert jane.http.post(f"/api/v2/jobs{uid}/stop").status_code == 200


def test_a_reservation_ends_by_itself_when_its_time_has_passed(
    john: User, jane: User, nodes: tuple[str, str]
) -> None:
    (one,) = john.reserve(nodes[0], duration_secs=1)
    deadline = time.monotonic() + 30
    while jane.node(nodes[0])["reservation"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)  # nobody may ask too often
    jane.reserve(nodes[0])
    john.post(f"/{one['reservation_id']}/extend", {"duration_secs": 5}, 400)
    john.end(one["reservation_id"])
