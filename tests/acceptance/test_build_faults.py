"""Plugs are pulled while builds run. Afterwards each run has ended once, with all its records, each once."""

import hashlib
import hmac
import json
import os
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from lab import PATIENCE, Lab, free_port, leftovers, running, until
from sci_client import app_file
from sloth_farm import Sloth
from sloth_farm import running as farm

SECRET = "it-is-secret"
SLOW = 12
"""Actions of a slow build, which print a number each and take a tenth of a second."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("lab"), lease=30.0) as lab:
        yield lab


def ask(lab: Lab, action: str, **params: str) -> httpx.Response:
    return lab.client.post("/", data={"action": action, **params})


def created(lab: Lab, name: str, *actions: str, more: str = "") -> str:
    made = ask(lab, "create", config_string=app_file(name, *actions, more=more))
    assert made.status_code == 201, made.text
    return name


def built(lab: Lab, name: str) -> str:
    done = ask(lab, "trigger", listen_point=name, wait="1")
    assert done.status_code == 200, done.text
    return str(done.json())


def said(lab: Lab, name: str, action: str = "logs", level: int = 10) -> list[str]:
    """The oldest first."""
    found = ask(lab, action, listen_point=name, level=str(level), per_page="-1").json()
    return [each["message"] for each in reversed(found)]


def slow_build(lab: Lab, name: str) -> str:
    return created(lab, name, *(f"sleep 0.1; echo {number}" for number in range(SLOW)))


def whole_log(name: str) -> list[str]:
    """What a slow build says if nothing goes wrong."""
    log = [f"Listening on {name}", f"Triggered, actions in queue: {SLOW}", "Params: {}"]
    for number in range(SLOW):
        log += [f"Executing action: sleep 0.1; echo {number}", f"stdout: {number}\n", "stderr: ", "Finished"]
    return [*log, f"Completed {SLOW}/{SLOW}"]


def until_said(lab: Lab, name: str, message: str) -> None:
    until(lambda: message in said(lab, name), lambda: f"'{message}' of {name}: {said(lab, name)}")


def until_ended(lab: Lab, name: str, times: int = 1) -> list[str]:
    """Its history without what was asked for."""
    until(lambda: len(said(lab, name, "history", 20)) >= times, lambda: f"{name} ends: {said(lab, name)}")
    return said(lab, name, "history", 20)


def verdicts(lab: Lab, name: str) -> list[str]:
    found = lab.client.get(
        "/api/v2/results", params={"filter": f"testcase:{name}", "sort": "date:asc"}
    ).json()
    return [each["result"] for each in found]


def restarted(lab: Lab) -> None:
    lab.server.kill()
    lab.server.start()
    until(lambda: httpx.get(f"{lab.url}/readyz").status_code == 200, lab.server.said)


def test_a_build_that_outlives_its_server_ends_once(lab: Lab) -> None:
    name = slow_build(lab, "outlived")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(built, lab, name)
        until_said(lab, name, "stdout: 1\n")
        restarted(lab)
        with pytest.raises(httpx.TransportError):
            waiting.result(PATIENCE)
    assert until_ended(lab, name) == [f"Completed {SLOW}/{SLOW}"]
    assert said(lab, name) == whole_log(name)
    assert verdicts(lab, name) == ["pass"]
    assert built(lab, name) == f"Completed {SLOW}/{SLOW}"
    assert said(lab, name, "history", 20) == [f"Completed {SLOW}/{SLOW}"] * 2


def test_a_bus_that_is_killed_loses_no_record(lab: Lab) -> None:
    name = slow_build(lab, "busless")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(built, lab, name)
        until_said(lab, name, "stdout: 1\n")
        lab.kill_nats()
        assert waiting.result(PATIENCE) == f"Completed {SLOW}/{SLOW}"
    assert said(lab, name) == whole_log(name)
    assert verdicts(lab, name) == ["pass"]


def test_records_as_large_as_can_be_reach_the_server(lab: Lab) -> None:
    """JSON makes six bytes of each character, and the bus takes a megabyte at once."""
    loud = "head -c 60000 /dev/zero | tr '\\0' '\\1'"
    name = created(lab, "loud", *[loud] * 6)
    assert built(lab, name) == "Completed 6/6"
    assert [line for line in said(lab, name) if "\1" in line] == ["stdout: " + "\1" * 60_000] * 6


def test_a_build_whose_agent_is_killed_has_failed_and_the_next_one_runs(lab: Lab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = created(lab, "agentless", "echo before", f"until [ -e {gate} ]; do sleep 0.05; done")
    assert ask(lab, "trigger", listen_point=name).status_code == 202
    until_said(lab, name, "stdout: before\n")
    with ThreadPoolExecutor() as pool:
        following = pool.submit(built, lab, name)
        until(lambda: said(lab, name).count("Triggered, actions in queue: 2") == 2, "the next one waits")
        lab.agent.kill()
        gate.touch()
        lab.agent.start()
        assert following.result(PATIENCE) == "Completed 2/2"
    assert said(lab, name, "history", 20) == ["Build failed", "Completed 2/2"]
    why = "Execution failed: The agent was restarted. The test was running."
    assert [line for line in said(lab, name) if line.startswith("Execution failed")] == [why]
    assert verdicts(lab, name) == ["error", "pass"]
    until(lambda: not leftovers(str(lab.agent_data / "scratch")), "nothing is left of it")


def test_a_webhook_that_was_taken_is_built_though_the_server_is_killed(lab: Lab, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    provider = f"provider: {{github: {{owner: ada, repo: shop, secret: {SECRET}}}}}"
    name = created(lab, "hooked", f"echo {{branch}} >> {proof}", more=provider)
    push = {"ref": "refs/heads/main", "before": "1" * 40, "after": "2" * 40, "deleted": False}
    repository = {"name": "shop", "full_name": "ada/shop", "owner": {"name": "ada", "login": "ada"}}
    body = json.dumps(push | {"repository": repository}).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": uuid.uuid4().hex,
        "x-hub-signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}",
    }
    assert httpx.post(f"{lab.url}/{name}", content=body, headers=headers).status_code == 200
    restarted(lab)
    assert until_ended(lab, name) == ["Completed 1/1"]
    assert httpx.post(f"{lab.url}/{name}", content=body, headers=headers).status_code == 200
    assert "This payload was received before: nothing is built" in said(lab, name)
    assert built(lab, created(lab, "after-hook", "exit 0")) == "Completed 1/1"
    assert proof.read_text() == "main\n"


@dataclass
class Caller:
    """Somebody who comes anew all the time; ``troubles`` are what he was told instead of an answer."""

    url: str
    answers: int = 0
    troubles: list[str] = field(default_factory=list)

    @contextmanager
    def calling(self) -> Iterator[None]:
        ended = threading.Event()

        def call() -> None:
            while not ended.is_set():
                try:
                    httpx.get(f"{self.url}/healthz", timeout=PATIENCE).raise_for_status()
                    self.answers += 1
                except httpx.HTTPError as error:
                    self.troubles.append(repr(error))

        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def agents(sloth: Sloth) -> list[int]:
    """The agents beside the server."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == sloth.program.pid and b"agent" in words:
            found.append(int(entry.name))
    return found


@pytest.fixture
def sloth(tmp_path: Path) -> Iterator[Sloth]:
    with farm(tmp_path, free_port(), MARKER=str(tmp_path)) as made:
        yield made


def restart(sloth: Sloth) -> None:
    before = sloth.starts()
    assert sloth.ask("restart").status_code == 202
    until(lambda: sloth.starts() > before, sloth.program.said)


def node_names(sloth: Sloth) -> set[str]:
    return {node["name"] for node in sloth.http.get("/api/v3/nodes").json()["nodes"] if node["online"]}


def test_a_server_that_starts_anew_keeps_its_builds_its_agent_and_its_callers(
    sloth: Sloth, tmp_path: Path
) -> None:
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    name = sloth.created("lasting", f"touch {begun}; until [ -e {gate} ]; do sleep 0.05; done", "echo done")
    assert sloth.ask("trigger", listen_point=name).status_code == 202
    until(begun.exists, "the build has begun")
    server, before, caller = sloth.program.pid, agents(sloth), Caller(sloth.url)
    assert len(before) == 1
    with caller.calling():
        restart(sloth)
        calls = caller.answers
        until(lambda: caller.answers > calls + 5, "answers afterwards")
    assert caller.troubles == []
    gate.touch()
    history = {"listen_point": name, "level": "20"}
    until(lambda: sloth.ask("history", **history).json(), lambda: sloth.ask("logs", **history).text)
    assert [each["message"] for each in sloth.ask("history", **history).json()] == ["Completed 2/2"]
    assert (sloth.program.pid, agents(sloth)) == (server, before)
    os.kill(server, 0)

    (sloth.data / "anyrig.toml").write_text('[node.rig]\ndevice = {kind = "video", input = "/dev/none"}\n')
    restart(sloth)
    after = agents(sloth)
    assert len(after) == 1
    assert after != before
    until(lambda: node_names(sloth) == {"rig", *(f"local-{n}" for n in range(1, 5))}, "all nodes are there")
    assert sloth.built(name) == "Completed 2/2"

    assert sloth.ask("stop").status_code == 202
    process = sloth.program.process
    assert process is not None
    assert process.wait(PATIENCE) == 0, sloth.program.said()
    assert leftovers(str(tmp_path)) == []
