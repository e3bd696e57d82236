"""Reservations in the native API, on the command line and in the portal."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Command, Gate


@pytest.fixture
def bob(api: "Api", api_of: Callable[[str], "Api"], token_of: Callable[[str, str], str]) -> Iterator["Api"]:
    """An operator; whatever is reserved in a test is interrupted by him in the end."""
    made = api_of(token_of("bob", "operator"))
    yield made
    for one in made.get("/reservations")["reservations"]:
        made.post(f"/reservations/{one['number']}/interrupt", {"message": "The test is over"})


def reserve(api: "Api", *nodes: str, **more: Any) -> Any:
    return api.post("/reservations", {"nodes": nodes, **more}, 201)["reservations"]


def test_a_reservation_is_made_looked_at_extended_and_ended(api: "Api", bob: "Api") -> None:
    (one,) = reserve(bob, "local-1", message="*Soak*", seconds=60)
    assert (one["node"], one["user"], one["yours"], one["state"]) == ("local-1", "bob", True, "held")
    assert one["message_html"] == "<p><em>Soak</em></p>"
    assert api.get(f"/reservations/{one['number']}") == one | {"yours": False}
    node = api.get("/nodes/local-1")
    assert (node["available"], node["reserved_by"]) == (False, "bob")
    assert node["not_available_reason"] == "Node local-1 reserved by @bob"
    assert node["reservation"] == one | {"yours": False}
    longer = bob.post(f"/reservations/{one['number']}/extend", {"seconds": 60})
    assert longer["expires"] > one["expires"]
    assert bob.get("/reservations") == {"reservations": [longer], "next": None}
    assert bob.http.delete(f"/reservations/{one['number']}").status_code == 204
    over = bob.get(f"/reservations/{one['number']}")
    assert (over["state"], over["ended_by"]) == ("ended", "bob")
    assert bob.get("/reservations")["reservations"] == []


def test_all_there_ever_were_are_listed_page_by_page(bob: "Api") -> None:
    made = [one["number"] for one in reserve(bob, "local-1", "local-4")]
    page = bob.get("/reservations", all=True, limit=1)
    rest = bob.get("/reservations", all=True, limit=1, cursor=page["next"])
    assert [one["number"] for one in page["reservations"] + rest["reservations"]] == made[::-1]
    assert bob.get("/reservations", 400, all=True, cursor="x")["code"] == "bad_field"


def test_a_refusal_names_each_node_that_is_in_the_way(api: "Api", bob: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    reserve(bob, "local-4")
    refused = api.post("/reservations", {"nodes": ["local-3", "local-4", "local-1"]}, 409)
    assert refused["code"] == "nodes_not_free"
    assert refused["nodes"] == {
        "local-1": f"Node local-1 is running job {job['uid']}.",
        "local-4": "Node local-4 reserved by @bob",
    }
    assert all(reason.removesuffix(".") in refused["detail"] for reason in refused["nodes"].values())
    gate.open()
    api.finish(job)


def test_what_is_not_allowed_has_a_code(api: "Api", bob: "Api") -> None:
    (one,) = reserve(bob, "local-1", seconds=60)
    path = f"/reservations/{one['number']}"
    assert api.post(f"{path}/extend", {"seconds": 60}, 403)["code"] == "not_your_reservation"
    assert api.http.delete(path).status_code == 403
    assert bob.post(f"{path}/extend", {"seconds": 0}, 400)["code"] == "bad_field"
    assert bob.post(f"{path}/extend", {}, 400)["code"] == "bad_field"
    assert api.post(f"{path}/interrupt", {"message": " "}, 400)["code"] == "bad_field"
    assert api.get("/reservations/99999999", 404)["code"] == "not_found"
    assert api.get(f"/reservations/{2**80}", 404)["code"] == "not_found"
    told = api.post(f"{path}/interrupt", {"message": "Release day"})
    assert (told["state"], told["ended_by"], told["reason"]) == ("interrupted", "admin", "Release day")
    assert bob.post(f"{path}/extend", {"seconds": 60}, 409)["code"] == "reservation_over"


def test_a_job_that_waits_for_the_node_starts_when_the_reservation_ends(api: "Api", bob: "Api") -> None:
    (one,) = reserve(bob, "local-1")
    assert (
        api.post(
            "/jobs", {"tests": ["command:greet"], "project": "shop", "node": "local-1", "queue": False}, 409
        )["code"]
        == "node_reserved"
    )
    job = api.start("command:greet")
    (task,) = api.get(f"/jobs/{job['number']}/tasks")["tasks"]
    assert (task["state"], task["reason"]) == ("queued", "Node local-1 is reserved by @bob.")
    bob.http.delete(f"/reservations/{one['number']}")
    (task,) = api.get(f"/jobs/{job['number']}/tasks")["tasks"]
    assert task["state"] != "queued"
    assert api.finish(job)["verdict"] == "pass"


def test_a_job_that_waits_starts_when_the_reservation_expires(api: "Api", bob: "Api") -> None:
    (one,) = reserve(bob, "local-1", seconds=1)
    job = api.run("command:greet")
    assert job["verdict"] == "pass"
    over = bob.get(f"/reservations/{one['number']}")
    assert (over["state"], over["ended"]) == ("expired", one["expires"])
    assert job["started"] >= one["expires"]


def test_whoever_waits_for_a_node_is_told_when_it_is_free(api: "Api", bob: "Api") -> None:
    assert api.get("/nodes/local-1/wait", seconds=0)["available"] is True
    (one,) = reserve(bob, "local-1")
    assert api.get("/nodes/local-1/wait", seconds=0)["available"] is False
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.get, "/nodes/local-1/wait", seconds=55)
        bob.http.delete(f"/reservations/{one['number']}")
        assert waiting.result(50)["available"] is True
    assert api.get("/nodes/nobody/wait", 404)["code"] == "not_found"


def test_nodes_are_reserved_by_a_command(command: "Command", bob: "Api") -> None:
    out, _ = command.run(
        "reserve", "local-1", "local-4", "--for", "1h30m", "--message", "Soak\nmore", "--json"
    )
    first, second = (json.loads(line) for line in out.splitlines())
    assert (first["node"], second["node"], first["user"]) == ("local-1", "local-4", "admin")
    table, _ = command.run("reserve", "--list")
    heading, row, _ = table.splitlines()
    assert heading.split() == ["NUMBER", "NODE", "USER", "SINCE", "UNTIL", "MESSAGE"]
    assert row.split()[:3] == [str(first["number"]), "local-1", "admin"]
    assert row.endswith("Soak")
    assert "reserved by @admin" in command.run("nodes")[0]
    longer, _ = command.run("reserve", "--extend", "local-1", "--for", "30m", "--json")
    assert json.loads(longer)["expires"] > first["expires"]
    ended, _ = command.run("reserve", "--end", "local-1", str(second["number"]), "--json")
    assert [json.loads(line)["state"] for line in ended.splitlines()] == ["ended", "ended"]
    assert command.run("reserve", "--list", "--json")[0] == ""


def test_somebody_elses_reservation_is_interrupted_by_a_command(command: "Command", bob: "Api") -> None:
    (one,) = reserve(bob, "local-1")
    command.run("reserve", "--end", "local-1", code=5)
    command.run("reserve", "--interrupt", "local-1", code=2)
    command.run("reserve", "--interrupt", "local-1", "--message", "Release day")
    assert bob.get(f"/reservations/{one['number']}")["reason"] == "Release day"


def test_a_command_waits_until_the_nodes_are_free(command: "Command", bob: "Api") -> None:
    (one,) = reserve(bob, "local-4")
    _, err = command.run("reserve", "local-1", "local-4", code=10)
    assert "Node local-4 reserved by @bob" in err
    with command.start("reserve", "local-1", "local-4", "--wait", "--json") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "Waiting. Node local-4 reserved by @bob\n"
        bob.http.delete(f"/reservations/{one['number']}")
        assert [json.loads(line)["node"] for line in process.stdout] == ["local-1", "local-4"]
    assert process.returncode == 0


def test_a_command_that_waits_can_be_interrupted_and_reserves_nothing(command: "Command", bob: "Api") -> None:
    reserve(bob, "local-1")
    with command.start("reserve", "local-1", "--wait") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert [one["user"] for one in bob.get("/reservations")["reservations"]] == ["bob"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Name the nodes"),
        (("--end",), 2, "Name the nodes"),
        (("--end", "--list"), 2, "--list and --end do not go together"),
        (("--end", "local-3"), 4, "Nobody has reserved 'local-3'."),
        (("--extend", "local-3"), 2, "--for 30m"),
        (("local-3", "--for", "soon"), 2, "'soon' is no duration"),
        (("local-3", "--for", ""), 2, "'' is no duration"),
        (("nobody",), 4, "There is no node 'nobody'."),
    ],
)
def test_wrong_usage_is_one_sentence(
    command: "Command", arguments: tuple[str, ...], code: int, said: str
) -> None:
    out, err = command.run("reserve", *arguments, code=code)
    assert not out
    assert said in err
    assert err.count("\n") == 1


def test_the_portal_shows_who_has_reserved_and_tells_who_was_interrupted(
    api: "Api", bob: "Api", api_of: Callable[[str], "Api"], token_of: Callable[[str, str], str]
) -> None:
    token = token_of("carla", "operator")
    (one,) = reserve(api_of(token), "local-1", message="<script>alert(1)</script> for **soak**", seconds=600)
    with httpx.Client(base_url=api.farm.url, headers={"origin": api.farm.url}, timeout=60) as browser:
        browser.post("/app/login", data={"token": token, "next": "/app/nodes"})
        page = browser.get("/app/nodes").text
        assert "reserved by @carla until" in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; for <strong>soak</strong>" in page
        assert "was interrupted" not in page
        bob.post(f"/reservations/{one['number']}/interrupt", {"message": "*Release* day"})
        page = browser.get("/app/nodes").text
        assert "Your reservation of local-1 was interrupted by @bob" in page
        assert "<em>Release</em> day" in page
        assert "reserved by @carla" not in page
