"""A server that is told to end: who waits is told at once, nothing is logged as a fault, no child is left."""

import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from lab import PACK, PATIENCE, Program, free_port, leftovers, until


@dataclass(frozen=True)
class Everything:
    """``anyrig up``."""

    program: Program
    client: httpx.Client
    marker: str

    def waiting_job(self) -> dict[str, str]:
        """A job for a node that there is not."""
        wanted = {
            "project": "tv",
            "tests": ["tests/faults.py::test_quick"],
            "labels": ["none"],
            "queue": True,
        }
        answer = self.client.post("/api/v3/jobs", json=wanted)
        assert answer.status_code == 201, answer.text
        made: dict[str, str] = answer.json()
        return made

    def connection(self, request: str) -> socket.socket:
        """One on which the request, or its beginning, was sent and has come to the server."""
        url = self.client.base_url
        made = socket.create_connection((url.host, url.port or 80), PATIENCE)
        token = self.client.headers["Authorization"]
        made.sendall(f"{request} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n".encode())
        return made

    def end(self) -> str:
        """What it has said when it is gone."""
        assert self.program.stop() == 0
        assert leftovers(self.marker) == []
        return self.program.said()


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[Everything]:
    marker, data, port = uuid.uuid4().hex, tmp_path / "data", free_port()
    arguments = ("--data", str(data), "--port", str(port), "--slots", "1", "--pack", f"tv={PACK}")
    program = Program(tmp_path / "log", "up", *arguments, MARKER=marker)
    program.start()
    try:
        until(lambda: "ready http" in program.said(), program.said)
        token = (data / "admin.token").read_text().strip()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"token {token}"}, timeout=PATIENCE
        ) as client:
            yield Everything(program, client, marker)
    finally:
        program.stop()


def events(client: httpx.Client, job: str, begun: list[str]) -> list[str]:
    """The names of the events, until the answer has ended as it should."""
    with client.stream("GET", f"/api/v3/jobs/{job}/events") as answer:
        names = (line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: "))
        begun.extend(names)
    return begun


def test_streams_and_long_polls_end_at_once(everything: Everything) -> None:
    job = everything.waiting_job()
    begun: list[str] = []
    with (
        everything.connection(f"GET /api/v2/jobs{job['uid']}/await_completion") as poll,
        everything.connection(f"GET /api/v3/jobs/{job['number']}/wait?seconds=55") as wait,
        ThreadPoolExecutor() as pool,
    ):
        poll.sendall(b"\r\n")
        wait.sendall(b"\r\n")
        stream = pool.submit(events, everything.client, job["number"], begun)
        until(lambda: begun, "the stream has begun")
        said = everything.end()
        assert poll.recv(100).startswith(b"HTTP/1.1 202 ")
        assert wait.recv(100).startswith(b"HTTP/1.1 200 ")
        assert stream.result() == ["state"]
    assert "Traceback" not in said
    assert "graceful" not in said  # nobody had to be cut off


def test_a_client_that_comes_back_is_told_the_rest(everything: Everything) -> None:
    job = everything.waiting_job()
    begun: list[str] = []
    with ThreadPoolExecutor() as pool:
        stream = pool.submit(events, everything.client, job["number"], begun)
        until(lambda: begun, "the stream has begun")
        everything.end()
        assert stream.result() == ["state"]
        everything.program.start()
        until(lambda: everything.client.get("/readyz").status_code == 200, everything.program.said)
        stream = pool.submit(events, everything.client, job["number"], [])
        everything.client.post(f"/api/v3/jobs/{job['number']}/stop")
        assert stream.result()[-1] == "end"


def test_a_request_that_does_not_end_is_cut_off_without_a_traceback(everything: Everything) -> None:
    with everything.connection("POST /api/v3/jobs") as stuck:
        stuck.sendall(b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        everything.client.get("/readyz").raise_for_status()
        said = everything.end()
    assert "graceful" in said
    assert "Traceback" not in said
