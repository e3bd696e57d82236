"""A whole lab of real processes, to pull plugs in: server, NATS, agent, and a wire between them to cut."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 60.0
PACK = Path(__file__).parent.parent / "packs" / "faults"
ENVIRONMENTS = Path.home() / ".cache" / "anyrig" / "test-envs" / "acceptance"
"""Where the packs' environments are kept between runs."""


def until(condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = PATIENCE) -> Any:
    """The condition's first true value; an AssertionError when it has none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int, name: str) -> list[int]:
    """The child processes of that name."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            comm, rest = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
            if int(rest[1]) == pid and comm == name and rest[0] != "Z":
                found.append(int(entry.name))
    return found


class Program:
    """``anyrig`` with these arguments, again and again in the same place."""

    def __init__(self, log: Path, *arguments: str, **settings: str) -> None:
        self._argv = [sys.executable, "-m", "anyrig", *arguments]
        plain = {key: value for key, value in os.environ.items() if not key.startswith("ANYRIG_")}
        self._environment = plain | settings | {"PYTHONUNBUFFERED": "1"}
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._argv, stdout=log, stderr=log, env=self._environment)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """``kill -9``."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        if self.process is None or self.process.poll() is not None:
            return 0
        self.signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
            return -1

    def said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class Lab:
    """A server and one agent with one node, each a process of its own."""

    def __init__(
        self, folder: Path, *, lease: float = 5.0, agent_server: str | None = None, **settings: str
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        limits = {
            "ANYRIG_LEASE_SECONDS": str(lease),
            "ANYRIG_HOLD_SECONDS": "3",
            "ANYRIG_ACCEPT_SECONDS": str(lease),
        }
        listening = ("--data", str(self.data), "--port", str(self.port), "--pack", f"tv={PACK}")
        self.server = Program(folder / "server.log", "server", *listening, **limits | settings)
        self.agent_server = agent_server or self.url
        self.agent_data = folder / "agent"
        self.agent = Program(folder / "agent.log")
        self._client: httpx.Client | None = None

    def up(self, *, one_port: bool = False) -> None:
        self.server.start()
        until(
            lambda: httpx.get(f"{self.url}/readyz").status_code == 200, lambda: f"ready: {self.server.said()}"
        )
        self.make_agent(*(["--one-port"] if one_port else []))
        self.agent.start()
        until(self.is_online, lambda: f"online: {self.agent.said()}")

    def make_agent(self, *more: str) -> None:
        (self.agent_data / "cache").mkdir(parents=True)
        (ENVIRONMENTS / "python").mkdir(parents=True, exist_ok=True)
        (self.agent_data / "cache" / "python").symlink_to(ENVIRONMENTS / "python")
        arguments = [
            "--server",
            self.agent_server,
            "--name",
            "rig",
            "--slots",
            "1",
            "--data",
            str(self.agent_data),
        ]
        self.agent = Program(self.folder / "agent.log", "agent", *arguments, *more, ANYRIG_TOKEN=self.token)

    def down(self) -> None:
        if self._client is not None:
            self._client.close()
        self.agent.stop()
        self.server.stop()

    @property
    def token(self) -> str:
        return (self.data / "admin.token").read_text().strip()

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            headers = {"Authorization": f"token {self.token}"}
            self._client = httpx.Client(base_url=self.url, headers=headers, timeout=70)
        return self._client

    def node(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get("/api/v2/nodes/rig-1").json()
        return answer

    def is_online(self) -> bool:
        answer = self.client.get("/api/v2/nodes/rig-1")
        return answer.status_code == 200 and bool(answer.json()["online"])

    def run(self, *tests: str, **more: Any) -> str:
        """Submit; the job's uid."""
        cases = [f"tests/faults.py::{test}" for test in tests]
        body = {"node_id": "rig-1", "test_pack_revision": "main", "test_cases": cases, **more}
        answer = self.client.post("/api/v2/run_tests", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_uid"])

    def job(self, uid: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/api/v2/jobs{uid}").json()
        return answer

    def wait(self, uid: str, seconds: float = PATIENCE) -> None:
        until(lambda: self.job(uid)["status"] == "exited", f"job {uid} ends", seconds)

    def log(self, uid: str) -> str:
        answer = self.client.get(f"/api/v2/jobs{uid}/log")
        return answer.text if answer.status_code == 200 else ""

    def until_line(self, uid: str, line: str) -> None:
        """Until the log that clients see has this line: it was acknowledged."""
        until(lambda: line in self.log(uid), lambda: f"'{line}' in the log: {self.agent.said()[-2000:]}")

    def results(self, uid: str) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v2/results", params={"filter": f"job:{uid}", "sort": "date:asc"})
        found: list[dict[str, Any]] = answer.json()
        return found

    def result_log(self, result: dict[str, Any]) -> str:
        return self.client.get(f"/api/v2/results{result['result_id']}/stbt.log").text

    def kill_nats(self) -> None:
        """``kill -9``."""
        os.kill(self.nats_pid(), signal.SIGKILL)

    def nats_pid(self) -> int:
        return int(until(lambda: children(self.server.pid, "nats-server"), "nats-server runs")[0])


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Lab]:
    lab = Lab(folder, **settings)
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


def leftovers(marker: str) -> list[str]:
    """Command lines of processes whose environment has the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return found
