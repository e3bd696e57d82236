"""From the trigger to the end of one job that does nothing: ours, and Buildbot's, in the same run.

Buildbot is what its manual has a newcomer set up: a master with SQLite on disk and the web API, and a worker,
which is a process of its own, on loopback; nothing but a ``ForceScheduler`` and a builder of one step. It is
asked in its quickest way: a build is forced over a connection that stays open, and its end is heard from its
event stream, not polled for. It is installed once, as pinned in ``buildbot_pins.txt``.

``python -m bench.buildbot [ROUNDS]``
"""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.farm import Farm, farm
from bench.table import percentile, show

ROUNDS = 60
WARMING = 3
OURS = {"anyrig, python": "tests/trivial.py::test_nothing", "anyrig, command": "command:nothing"}
PATIENCE = 120.0
PINS = Path(__file__).with_name("buildbot_pins.txt")
INSTALLED = Path.home() / ".cache" / "anyrig" / "bench"
CONFIGURATION = """
from buildbot.plugins import schedulers, steps, util, worker

BuildmasterConfig = {{
    "db": {{"db_url": "sqlite:///state.sqlite"}},
    "workers": [worker.Worker("local", "secret")],
    "protocols": {{"pb": {{"port": "tcp:{workers}:interface=127.0.0.1"}}}},
    "schedulers": [schedulers.ForceScheduler(name="force", builderNames=["nothing"])],
    "builders": [
        util.BuilderConfig(
            name="nothing",
            workernames=["local"],
            factory=util.BuildFactory([steps.ShellCommand(command=["true"])]),
        )
    ],
    "www": {{"port": "tcp:{web}:interface=127.0.0.1", "plugins": {{}}}},
    "buildbotURL": "http://127.0.0.1:{web}/",
    "buildbotNetUsageData": None,
}}
"""


class Events:
    """One of Buildbot's event streams, by the path of the events that are wanted."""

    def __init__(self, web: int, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", web, timeout=PATIENCE)
        self._connection.request("GET", f"/sse/listen/{path}")
        self._answer = self._connection.getresponse()
        self._until(b"event: handshake")

    def next_data(self) -> dict[str, Any]:
        line = self._until(b"data: {")
        message: dict[str, Any] = json.loads(line.removeprefix(b"data: "))["message"]
        return message

    def close(self) -> None:
        self._connection.close()

    def _until(self, begin: bytes) -> bytes:
        while line := self._answer.readline():
            if line.startswith(begin):
                return line
        raise ConnectionError


class Buildbot:
    """A master that runs, and what it takes to force a build on it."""

    def __init__(self, web: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", web, timeout=PATIENCE)
        self._builds = Events(web, "builds/*/finished")
        self._buildsets = Events(web, "buildsets/*/complete")

    def run(self) -> None:
        """Force a build, and wait until it is complete."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {"builderid": "1"}}
        head = {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/v2/forceschedulers/force", json.dumps(call), head)
        _, requests = json.loads(self._connection.getresponse().read())["result"]
        build = self._builds.next_data()
        assert build["buildrequestid"] == requests["1"]
        assert build["complete"]
        assert build["results"] == 0

    def settle(self) -> None:
        """Wait for what the master still does after the build, so that the next turn is not disturbed."""
        assert self._buildsets.next_data()["complete"]

    def close(self) -> None:
        for each in (self._connection, self._builds, self._buildsets):
            each.close()


def installed() -> Path:
    """The programs of Buildbot's environment, made if there is none for these pins."""
    stamp = sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = INSTALLED / f"buildbot-{stamp}"
    if not (place / "done").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "-p", sys.executable, str(place)], check=True)
        install = ["pip", "install", "-q", "--no-build", "-p", str(place), "-r", str(PINS)]
        subprocess.run([*uv, *install], check=True)
        (place / "done").touch()
    return place / "bin"


@contextmanager
def buildbot(folder: Path) -> Iterator[Buildbot]:
    """A master and its worker in this folder, as long as it lasts."""
    programs, master, worker = installed(), str(folder / "master"), str(folder / "worker")
    web, workers = _free_ports()
    _do(programs / "buildbot", "create-master", master)
    (folder / "master" / "master.cfg").write_text(CONFIGURATION.format(web=web, workers=workers))
    _do(programs / "buildbot-worker", "create-worker", worker, f"127.0.0.1:{workers}", "local", "secret")
    with ExitStack() as stack:
        for program, place in (("buildbot", master), ("buildbot-worker", worker)):
            stack.enter_context(_running(programs / program, "start", "--nodaemon", place))
        _until_attached(web)
        running = Buildbot(web)
        stack.callback(running.close)
        yield running


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _do(program: Path, *arguments: str) -> None:
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _running(program: Path, *arguments: str) -> Iterator[None]:
    """What it says is in its folder's ``twistd.log``."""
    silent = subprocess.DEVNULL
    with subprocess.Popen([program, *arguments], stdout=silent, stderr=silent) as process:
        try:
            yield
        finally:
            process.terminate()


def _until_attached(web: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _attached(web):
        assert time.monotonic() < deadline, "Buildbot has no worker."
        time.sleep(0.2)


def _attached(web: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", web, timeout=PATIENCE)
    try:
        connection.request("GET", "/api/v2/workers")
        return any(one["connected_to"] for one in json.loads(connection.getresponse().read())["workers"])
    except ConnectionError:
        return False
    finally:
        connection.close()


def _run(ours: Farm, test: str) -> Callable[[], None]:
    """Runs a job of that test over one connection, and returns when it is over."""
    where = urlsplit(ours.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
    head = {"Authorization": f"token {ours.token}"}

    def ask(method: str, path: str, body: str | None = None) -> Any:
        connection.request(method, f"/api/v3/jobs{path}", body, head)
        return json.loads(connection.getresponse().read())

    def run() -> None:
        job = ask("POST", "", json.dumps({"tests": [test], "node": "local-1"}))
        while not job["over"]:
            job = ask("GET", f"/{job['number']}/wait")
        assert job["verdict"] == "pass", job

    return run


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder, ExitStack() as stack:
        theirs = stack.enter_context(buildbot(Path(folder)))
        ours = stack.enter_context(farm())
        turns = {"buildbot": theirs.run, **{name: _run(ours, test) for name, test in OURS.items()}}
        taken = _in_turns(turns, theirs.settle, rounds)
    peer = percentile(taken["buildbot"], 0.5)
    rows = [
        (name, percentile(times, 0.5), percentile(times, 0.95), peer / percentile(times, 0.5))
        for name, times in taken.items()
    ]
    title = f"Trigger to finished, one job that does nothing, {rounds} rounds (asked: at least 20x faster)"
    show(title, ("", "p50 ms", "p95 ms", "times as fast"), rows)


def _in_turns(
    turns: dict[str, Callable[[], None]], settle: Callable[[], None], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds; in turns, so that all see the same weather. The first rounds warm up and do not count."""
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(WARMING + rounds):
        for name, work in turns.items():
            begin = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - begin) * 1e3)
            if name == "buildbot":
                settle()
    return {name: times[WARMING:] for name, times in taken.items()}


if __name__ == "__main__":
    main()
