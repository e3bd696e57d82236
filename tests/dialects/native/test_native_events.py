"""Following a job: events and logs, live and afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from anyrig.cli.events import Event, parsed
from anyrig.core.told import told_from

if TYPE_CHECKING:
    from tests.dialects.native.conftest import Api, Gate


@contextmanager
def events(api: "Api", job: Any, last: str = "") -> Iterator[Iterator[Event]]:
    headers = {"last-event-id": last} if last else {}
    with api.http.stream("GET", f"/jobs/{job['number']}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        yield parsed(answer.iter_lines())


def text_of(found: list[Event]) -> str:
    return "".join(event.data["text"] for event in found if event.name == "log")


def test_a_follower_sees_lines_results_and_states_as_they_come(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", "command:greet", params=gate.params)
    found: list[Event] = []
    with events(api, job) as stream:
        for event in stream:
            found.append(event)
            if event.name == "log" and "begun" in event.data["text"]:
                assert not api.get(f"/jobs/{job['number']}")["over"]
                gate.open()
    names = [event.name for event in found]
    assert names[-1] == "end"
    assert found[-1].data["verdict"] == "pass"
    assert [event.data["test"] for event in found if event.name == "result"] == ["gate", "greet"]
    states = [event.data["job"]["state"] for event in found if event.name == "state"]
    assert states[-1] == "finished"
    assert "running" in states
    running = [
        task["running"] for e in found if e.name == "state" for task in e.data["tasks"] if task["running"]
    ]
    assert {each["test"] for each in running} <= {"gate", "greet"}
    lines = text_of(found).splitlines()
    assert [line.partition(" ")[2] for line in lines if not line.partition(" ")[2].startswith("$")][-4:] == [
        "begun",
        "released",
        "hello",
        "Grüße <b>alle</b>",
    ]


def test_the_log_is_the_same_live_and_afterwards(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    live = b""
    with api.http.stream("GET", f"/jobs/{job['number']}/log", params={"follow": True}) as answer:
        for piece in answer.iter_bytes():
            live += piece
            if b"begun" in live:
                gate.open()
    api.finish(job)
    stored = api.http.get(f"/jobs/{job['number']}/log")
    assert stored.headers["content-type"] == "text/plain; charset=utf-8"
    assert stored.content == live
    with events(api, job) as stream:
        assert text_of(list(stream)).encode() == live


def test_the_log_of_a_running_job_ends_where_it_has_got_to(api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    with events(api, job) as stream:
        next(event for event in stream if event.name == "log" and "begun" in event.data["text"])
    assert "released" not in api.http.get(f"/jobs/{job['number']}/log").text
    gate.open()
    api.finish(job)


def test_whoever_comes_back_gets_what_follows_and_nothing_twice(api: "Api", ran: Any) -> None:
    job = api.run("command:greet", "command:bad")
    with events(api, job) as stream:
        every = [event for event in stream if event.name in {"log", "result"}]
    for number, event in enumerate(every):
        with events(api, job, event.id) as stream:
            rest = [each for each in stream if each.name in {"log", "result"}]
        assert text_of(rest) == text_of(every[number + 1 :])
        results = [each.data for each in rest if each.name == "result"]
        assert results == [each.data for each in every[number + 1 :] if each.name == "result"]


def test_ids_say_how_many_bytes_of_the_log_were_told(api: "Api") -> None:
    job = api.run("command:greet")
    log = api.http.get(f"/jobs/{job['number']}/log").content
    with events(api, job) as stream:
        last = [event.id for event in stream if event.name == "log"][-1]
    [told] = told_from(last)
    assert told.offset == len(log)


@pytest.mark.parametrize("last", ["nonsense", "7.99999999.0"])
def test_an_id_that_means_nothing_is_no_trouble(api: "Api", ran: Any, last: str) -> None:
    with events(api, ran, last) as stream:
        assert [event.name for event in stream][-1] == "end"


def test_a_job_that_never_ran_has_an_empty_log(api: "Api") -> None:
    asked = {"tests": ["command:greet"], "project": "shop", "labels": ["moon"]}
    job = api.post("/jobs", asked, 201)
    assert api.http.get(f"/jobs/{job['number']}/log").content == b""
    api.post(f"/jobs/{job['number']}/stop")
    with events(api, job) as stream:
        assert [event.name for event in stream] == ["result", "state", "end"]


def test_a_task_that_is_not_there_has_no_log(api: "Api", ran: Any) -> None:
    assert api.http.get(f"/jobs/{ran['number']}/log", params={"task": 1}).status_code == 404
