"""Plugs are pulled in a lab of real processes. After each: one result a test, whole logs, a free node."""

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import Lab, leftovers, running, until
from wire import Wire


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running(tmp_path) as lab:
        yield lab


def verdicts(lab: Lab, uid: str) -> list[tuple[str, str]]:
    return [(one["test_case"].partition("::")[2], one["result"]) for one in lab.results(uid)]


def assert_free(lab: Lab) -> None:
    """The node takes the next job, and nothing of the last one is left."""
    until(lambda: lab.node()["available"], lambda: f"the node is free: {lab.node()}")
    until(lambda: not leftovers(str(lab.agent_data / "scratch")), f"nothing is left of {lab.agent_data}")
    uid = lab.run("test_quick")
    lab.wait(uid)
    assert verdicts(lab, uid) == [("test_quick", "pass")]


def lines_of(text: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in text.splitlines() if " line " in line]


def test_a_server_that_is_killed_mid_job_misses_nothing(lab: Lab) -> None:
    uid = lab.run("test_slow", "test_quick")
    lab.until_line(uid, "line 5")
    lab.server.kill()
    lab.server.start()
    lab.wait(uid)
    assert verdicts(lab, uid) == [("test_slow", "pass"), ("test_quick", "pass")]
    assert lines_of(lab.result_log(lab.results(uid)[0])) == [f"line {n}" for n in range(60)]
    assert_free(lab)


def test_a_bus_that_is_killed_mid_job_misses_nothing(lab: Lab) -> None:
    uid = lab.run("test_slow", "test_quick")
    lab.until_line(uid, "line 5")
    lab.kill_nats()
    lab.wait(uid)
    assert verdicts(lab, uid) == [("test_slow", "pass"), ("test_quick", "pass")]
    assert lines_of(lab.result_log(lab.results(uid)[0])) == [f"line {n}" for n in range(60)]
    assert_free(lab)


def test_an_agent_that_is_killed_mid_test_ends_its_task_as_errors_when_it_is_back(lab: Lab) -> None:
    uid = lab.run("test_quick", "test_long", "test_slow")
    lab.until_line(uid, "line 5")
    lab.agent.kill()
    lab.agent.start()
    lab.wait(uid)
    assert verdicts(lab, uid) == [("test_quick", "pass"), ("test_long", "error"), ("test_slow", "error")]
    lost = lab.results(uid)[1]
    assert lost["failure_reason"] == "The agent was restarted. The test was running."
    assert lines_of(lab.result_log(lost))[:6] == [f"line {n}" for n in range(6)]
    assert_free(lab)


def test_an_agent_that_stays_away_loses_its_task_after_the_lease(lab: Lab) -> None:
    uid = lab.run("test_long")
    lab.until_line(uid, "line 5")
    lab.agent.kill()
    lab.wait(uid)
    (result,) = lab.results(uid)
    assert result["result"] == "error"
    assert result["failure_reason"].startswith("Node lost: rig-1 was not heard of for ")
    assert "line 5" in lab.result_log(result)
    assert not leftovers(str(lab.agent_data / "scratch"))
    lab.agent.start()
    assert_free(lab)


def test_a_frozen_agent_that_wakes_after_its_lease_is_not_believed(lab: Lab) -> None:
    uid = lab.run("test_slow")
    lab.until_line(uid, "line 5")
    lab.agent.signal(signal.SIGSTOP)
    lab.wait(uid)
    before = lab.results(uid)
    assert [one["result"] for one in before] == ["error"]
    lab.agent.signal(signal.SIGCONT)
    assert_free(lab)
    assert lab.results(uid) == before


def test_a_short_cut_of_the_connection_is_made_up_for(tmp_path: Path) -> None:
    with cut_lab(tmp_path, lease=60.0) as (lab, wire):
        uid = lab.run("test_slow", "test_quick")
        lab.until_line(uid, "line 5")
        wire.cut()
        subprocess.run(["sleep", "4"], check=True)
        wire.mend()
        lab.wait(uid)
        assert verdicts(lab, uid) == [("test_slow", "pass"), ("test_quick", "pass")]
        assert lines_of(lab.result_log(lab.results(uid)[0])) == [f"line {n}" for n in range(60)]
        assert_free(lab)


def test_a_cut_for_longer_than_the_lease_loses_the_task_once(tmp_path: Path) -> None:
    with cut_lab(tmp_path, lease=4.0) as (lab, wire):
        uid = lab.run("test_long")
        lab.until_line(uid, "line 5")
        wire.cut()
        lab.wait(uid)
        before = lab.results(uid)
        assert [one["result"] for one in before] == ["error"]
        wire.mend()
        assert_free(lab)
        assert lab.results(uid) == before


class cut_lab:  # noqa: N801 - used as a function
    """A lab whose agent reaches the server only through a wire."""

    def __init__(self, folder: Path, lease: float) -> None:
        self.lab = Lab(folder, lease=lease)
        self.wire = Wire(self.lab.port)

    def __enter__(self) -> tuple[Lab, Wire]:
        self.wire.__enter__()
        self.lab.agent_server = f"http://127.0.0.1:{self.wire.port}"
        self.lab.up(one_port=True)
        return self.lab, self.wire

    def __exit__(self, *_: object) -> None:
        self.lab.down()
        self.wire.__exit__()


def test_a_full_disk_holds_an_upload_back_and_loses_nothing(tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects"
    objects.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(objects)], check=True)
    try:
        with running(tmp_path, lease=60.0) as lab:
            uid = lab.run("test_big_file", "test_quick")
            until(
                lambda: "507" in lab.agent.said() or "full" in lab.agent.said(),
                lambda: f"the agent hears of it: {lab.agent.said()}",
            )
            assert lab.job(uid)["status"] == "running"
            subprocess.run(["mount", "-o", "remount,size=30m", str(objects)], check=True)
            lab.wait(uid)
            assert verdicts(lab, uid) == [("test_big_file", "pass"), ("test_quick", "pass")]
            detail = lab.client.get(f"/api/v2/results{lab.results(uid)[0]['result_id']}").json()
            assert detail["artifacts"]["big.bin"]["size"] == 6 * 1024 * 1024
    finally:
        subprocess.run(["umount", "--lazy", str(objects)], check=True)


def test_of_fifty_submitters_one_gets_the_node(lab: Lab) -> None:
    body = {"node_id": "rig-1", "test_pack_revision": "main", "test_cases": ["tests/faults.py::test_slow"]}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: lab.client.post("/api/v2/run_tests", json=body), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    uid = next(answer.json()["job_uid"] for answer in answers if answer.status_code == 200)
    lab.wait(uid)
    assert verdicts(lab, uid) == [("test_slow", "pass")]


def stop(lab: Lab, uid: str) -> int:
    return lab.client.put(f"/api/v2/jobs{uid}/stop").status_code


def queued(lab: Lab) -> str:
    body = {"tests": ["tests/faults.py::test_quick"], "project": "tv", "node": "rig-1", "queue": True}
    answer: dict[str, Any] = lab.client.post("/api/v3/jobs", json=body).json()
    return str(answer["uid"])


def test_stop_at_every_state(lab: Lab) -> None:
    running_job = lab.run("test_long", "test_quick")
    lab.until_line(running_job, "line 1")
    waiting = queued(lab)
    assert stop(lab, waiting) == 200
    assert [result for _, result in verdicts(lab, waiting)] == ["error"]

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: stop(lab, running_job), range(3))) == [200, 200, 200]
    assert verdicts(lab, running_job) == [("test_long", "error")]
    assert lab.results(running_job)[0]["failure_reason"] == "Stopped by admin."
    assert stop(lab, running_job) == 200

    lab.agent.signal(signal.SIGSTOP)
    placed = lab.run("test_quick")
    assert stop(lab, placed) == 200
    assert [result for _, result in verdicts(lab, placed)] == ["error"]
    lab.agent.signal(signal.SIGCONT)
    assert_free(lab)


def test_an_agent_that_is_asked_to_end_leaves_no_process_and_tells_the_server(lab: Lab) -> None:
    uid = lab.run("test_long", "test_quick")
    lab.until_line(uid, "line 5")
    assert lab.agent.stop() == 0
    lab.wait(uid, 15)
    assert verdicts(lab, uid) == [("test_long", "error"), ("test_quick", "error")]
    assert not leftovers(str(lab.agent_data / "scratch"))
    until(lambda: not lab.is_online(), "the node is offline")
    with pytest.raises(AssertionError, match="offline"):
        lab.run("test_quick")
    lab.agent.start()
    assert_free(lab)


def test_a_task_whose_node_was_lost_runs_again_if_its_job_asked_for_that(lab: Lab) -> None:
    body = {
        "tests": ["tests/faults.py::test_quick", "tests/faults.py::test_slow"],
        "project": "tv",
        "retries": 1,
    }
    job = lab.client.post("/api/v3/jobs", json=body).json()
    lab.until_line(job["uid"], "line 5")
    lab.agent.kill()
    lab.agent.start()
    lab.wait(job["uid"])
    assert verdicts(lab, job["uid"]) == [("test_quick", "pass"), ("test_slow", "pass")]
    assert_free(lab)


def test_garbage_is_refused_and_harms_nothing(lab: Lab) -> None:
    for path in ("/api/v2/run_tests", "/api/v3/agent/enrol", "/api/v3/agent/objects"):
        for content in (b"", b"\xff\xfe", b"[" * 100_000, b"{}" * 1000, rb'{"node_id": "\u0000"}'):
            answer = lab.client.post(path, content=content)
            assert 400 <= answer.status_code < 500, (path, content[:10], answer.text)
    for path in ("/api/v2/nodes/%00", "/api/v3/jobs?cursor=%00", "/git/..%2f..%2f/info/refs"):
        assert 400 <= lab.client.get(path).status_code < 500
    assert httpx.get(f"{lab.url}/healthz").status_code == 200
    assert_free(lab)
