"""Two servers on one PostgreSQL and one NATS: either may go at any time."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from lab import Lab, Program, free_port, until
from postgres import Cluster
from wire import Wire

_NATS = """
    import asyncio, json, signal, sys
    from pathlib import Path
    from anyrig.bus.server import NatsServer

    async def main():
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with NatsServer(Path(sys.argv[1])) as server:
            user, password = server.credentials
            url = server.url.replace("://", f"://{user}:{password}@")
            print(json.dumps({"url": url, "seed": server.endpoint.issuer_seed}), flush=True)
            await stop.wait()

    asyncio.run(main())
"""


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings that lead to a NATS server of its own, as a cluster would be."""
    argv = [sys.executable, "-c", textwrap.dedent(_NATS), str(tmp_path / "nats")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield {"ANYRIG_NATS_URL": said["url"], "ANYRIG_NATS_ISSUER_SEED": said["seed"]}
        process.terminate()
        process.wait(20)


@pytest.fixture
def replicas(tmp_path: Path, nats: dict[str, str]) -> Iterator[tuple[Lab, httpx.Client, Wire]]:
    """A lab with its server, a client of a second server, and the name by which the agent reaches either."""
    with Cluster() as cluster, Wire(0) as name:
        settings = nats | {"ANYRIG_DATABASE_URL": cluster.new_database()}
        port = free_port()
        lab = Lab(tmp_path, lease=30.0, agent_server=f"http://127.0.0.1:{name.port}", **settings)
        name.target = lab.port
        arguments = ("server", "--data", str(lab.data), "--port", str(port))
        other = Program(tmp_path / "other.log", *arguments, **settings, ANYRIG_HOLD_SECONDS="50")
        try:
            lab.up()
            other.start()
            headers = {"Authorization": f"token {lab.token}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=70) as client:
                until(lambda: client.get("/readyz").status_code == 200, other.said)
                yield lab, client, name
        finally:
            lab.down()
            other.stop()


def test_of_two_replicas_one_is_killed_and_nothing_is_missed(
    replicas: tuple[Lab, httpx.Client, Wire],
) -> None:
    lab, other, name = replicas
    uid = lab.run("test_slow", "test_quick")
    lab.until_line(uid, "line 5")
    lab.server.kill()
    name.target = other.base_url.port or 0
    assert other.get(f"/api/v2/jobs{uid}/await_completion").status_code == 200
    answer = other.get("/api/v2/results", params={"filter": f"job:{uid}", "sort": "date:asc"})
    found = [(one["test_case"].partition("::")[2], one["result"]) for one in answer.json()]
    assert found == [("test_slow", "pass"), ("test_quick", "pass")]


def test_a_waiter_at_one_replica_hears_of_a_job_of_another(replicas: tuple[Lab, httpx.Client, Wire]) -> None:
    lab, other, _ = replicas
    uid = lab.run("test_quick")
    assert other.get(f"/api/v2/jobs{uid}/await_completion").status_code == 200


def test_of_many_who_race_for_a_node_at_two_replicas_one_wins(
    replicas: tuple[Lab, httpx.Client, Wire],
) -> None:
    lab, other, _ = replicas
    body = {"node_ids": ["rig-1"], "message": "Mine", "duration_secs": 600}

    def attempt(number: int) -> httpx.Response:
        server = (lab.client, other)[number % 2]
        return server.post("/api/v2/reservations", json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 23]
    (won,) = [answer.json()["reservations"][0] for answer in answers if answer.status_code == 200]
    for server in (lab.client, other):
        assert server.get("/api/v2/nodes/rig-1").json()["reservation"] == won


def test_whoever_waits_at_one_replica_for_a_node_hears_that_it_was_freed_at_another(
    replicas: tuple[Lab, httpx.Client, Wire],
) -> None:
    lab, other, _ = replicas
    body = {"node_ids": ["rig-1"], "message": "Mine"}
    made = lab.client.post("/api/v2/reservations", json=body).json()["reservations"][0]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.get, "/api/v3/nodes/rig-1/wait", params={"seconds": 50})
        lab.client.delete(f"/api/v2/reservations/{made['reservation_id']}")
        assert waiting.result().json()["available"] is True
