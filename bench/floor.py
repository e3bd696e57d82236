"""The floor: what a run of a test costs when nothing is done for it but what has to be done.

One HTTP server with one SQLite database (WAL, FULL), and one agent that forks each test from a parent that
has numpy and cv2 loaded. ``POST /run`` commits a job of N tests, has them run one by one, each in a process
of its own, commits each result with its log, and answers. Two kinds of child: ``bare`` writes a line and is
gone; ``pytest`` runs a test that its parent has collected once, set-up, call and tear-down. Run by the Python
of a pack's environment: ``python floor.py PORT FOLDER bare|pytest``.
"""

import gc
import json
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NoReturn

SCHEMA = """
CREATE TABLE job (id INTEGER PRIMARY KEY, tests INTEGER, state TEXT);
CREATE TABLE result
  (id INTEGER PRIMARY KEY, job INTEGER, test TEXT, verdict TEXT, log TEXT, start REAL, end REAL);
"""


class Agent:
    """Forks a process for each line that comes, and answers with what became of it."""

    def __init__(self, link: socket.socket, folder: Path) -> None:
        self._link = link
        self._folder = folder

    def pytest_runtestloop(self, session: Any) -> bool:
        """Everything is collected: serve from here, for ever."""
        from _pytest.runner import runtestprotocol  # noqa: PLC0415

        item = session.items[0]
        self.serve(lambda line: (print(line), runtestprotocol(item, log=False)))
        return True

    def serve(self, test: Callable[[str], object]) -> None:
        gc.collect()
        gc.freeze()
        self._link.sendall(b"ready\n")
        with self._link.makefile("rb") as lines:
            for number, line in enumerate(lines):
                place = self._folder / str(number)
                place.mkdir()
                start = time.time()
                child = os.fork()
                if child == 0:
                    self._child(place, line.decode(), test)
                _, status = os.waitpid(child, 0)
                log = (place / "log").read_text()
                answer = {"status": status, "log": log, "start": start, "end": time.time()}
                self._link.sendall(json.dumps(answer).encode() + b"\n")

    def _child(self, place: Path, line: str, test: Callable[[str], object]) -> NoReturn:
        os.chdir(place)
        os.dup2(os.open("log", os.O_WRONLY | os.O_CREAT), 1)
        test(line)
        sys.stdout.flush()
        os._exit(0)


def agent(link: socket.socket, folder: Path, kind: str) -> None:
    import cv2  # noqa: PLC0415 - loaded, as a test would find it
    import numpy as np  # noqa: F401, PLC0415

    cv2.setNumThreads(0)
    agent = Agent(link, folder)
    if kind == "bare":
        agent.serve(lambda line: os.write(1, line.encode()))
        return
    import pytest  # noqa: PLC0415

    (folder / "test_floor.py").write_text("def test_nothing():\n    pass\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    pytest.main(
        ["-q", "-p", "no:cacheprovider", "--capture=no", str(folder / "test_floor.py")], plugins=[agent]
    )


def serve(port: int, folder: Path, kind: str) -> None:
    near, far = socket.socketpair()
    if os.fork() == 0:
        near.close()
        agent(far, folder, kind)
        os._exit(0)
    far.close()
    answers = near.makefile("rb")
    answers.readline()
    database = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            self._answer(self._run(int(self.rfile.read(int(self.headers["Content-Length"])))))

        def do_GET(self) -> None:
            self._answer(
                database.execute(
                    "SELECT test, verdict FROM result WHERE job = ?", (self.path[1:],)
                ).fetchall()
            )

        def _run(self, tests: int) -> int:
            job = database.execute("INSERT INTO job (tests, state) VALUES (?, 'running')", (tests,)).lastrowid
            for number in range(tests):
                near.sendall(b"test_%d\n" % number)
                done = json.loads(answers.readline())
                values = (job, f"test_{number}", str(done["status"]), done["log"], done["start"], done["end"])
                database.execute(
                    "INSERT INTO result (job, test, verdict, log, start, end) VALUES (?, ?, ?, ?, ?, ?)",
                    values,
                )
            database.execute("UPDATE job SET state = 'finished' WHERE id = ?", (job,))
            return job or 0

        def _answer(self, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    print(f"ready {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
