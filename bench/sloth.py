"""Builds that are triggered and waited for, and pages of logs: ours, and Sloth CI's own, in the same run.

Its server is installed once, as pinned in ``sloth_pins.txt``, and has its database in a file on the same disk
as ours. Both are asked in the same words, over connections that stay open if the server lets them. How many
builds a second there can be is decided by what a flush to that disk costs, so it is told.

``python -m bench.sloth [ROUNDS]``
"""

import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.farm import farm
from bench.sloth_ci import Connection, Server, create, sloth_ci
from bench.table import percentile, show

ROUNDS = 60
WARMING = 3
CLIENTS = 8
TURNS = 4
SECONDS = 2.5
"""Of a turn with many clients."""
RECORDS = 10_000
FILLING = 500
"""Actions of a build that fills the log: each is told of in four records."""
PAGES = {
    "page 1 of 10 each": {"from_page": "1", "per_page": "10"},
    "page 500 of 10 each": {"from_page": "500", "per_page": "10"},
    "page 1 of 100 each": {"from_page": "1", "per_page": "100"},
}
THEIRS, OURS = "sloth-ci", "anyrig"


@dataclass
class Taken:
    """What builds took."""

    times: list[float] = field(default_factory=list)
    """Milliseconds of those that were answered as they should be."""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    connections: int = 0

    def add(self, begin: float, fault: str) -> None:
        if fault:
            self.faults.append(fault)
        else:
            self.times.append((time.perf_counter() - begin) * 1e3)

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds


@contextmanager
def anyrig() -> Iterator[Server]:
    with farm("--slots", str(CLIENTS)) as ours:
        yield Server(urlsplit(ours.url).port or 80, "admin", ours.token)


def in_turns(servers: dict[str, Server], rounds: int) -> dict[str, Taken]:
    """One build after the other; in turns, so that both see the same weather. The first do not count."""
    connections = {name: Connection(server) for name, server in servers.items()}
    taken = {name: Taken() for name in servers}
    for server in servers.values():
        create(server, "alone", "true")
    for number in range(WARMING + rounds):
        for name, connection in connections.items():
            begin = time.perf_counter()
            fault = connection.build("alone")
            if number >= WARMING:
                taken[name].add(begin, fault)
                taken[name].seconds += time.perf_counter() - begin
    for name, connection in connections.items():
        taken[name].connections = connection.made
        connection.close()
    return taken


def with_clients(servers: dict[str, Server], apps: Sequence[str]) -> dict[str, Taken]:
    """A client for each of the apps, which may be the same; the servers take turns, the first warms up."""
    for server in servers.values():
        for app in sorted(set(apps)):
            create(server, app, "true")
    taken = {name: Taken() for name in servers}
    for turn in range(1 + TURNS):
        for name, server in servers.items():
            _crowd(server, apps, taken[name] if turn else Taken(), SECONDS if turn else 0.5)
    return taken


def _crowd(server: Server, apps: Sequence[str], taken: Taken, seconds: float) -> None:
    """All begin together; each ends with the build in which its time is over."""
    each = [Taken() for _ in apps]
    begin = time.perf_counter()

    def client(app: str, mine: Taken) -> None:
        connection = Connection(server)
        while (now := time.perf_counter()) < begin + seconds:
            mine.add(now, connection.build(app))
        mine.connections = connection.made
        connection.close()

    threads = [
        threading.Thread(target=client, args=(app, mine)) for app, mine in zip(apps, each, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.seconds += time.perf_counter() - begin
    for mine in each:
        taken.times += mine.times
        taken.faults += mine.faults
        taken.connections += mine.connections


def filled(servers: dict[str, Server], folder: Path) -> str:
    """An app with a long log, the same at both; ours comes of builds, and theirs of ours."""
    app = "logs"
    connection = Connection(servers[OURS])
    create(servers[OURS], app, *["true"] * FILLING)
    create(servers[THEIRS], app, *["true"] * FILLING)
    records: list[dict[str, Any]] = []
    while len(records) < RECORDS:
        connection.done("trigger", listen_point=app, wait="1")
        records = _all_records(connection, app)
    with sqlite3.connect(folder / "sloth.db") as theirs:
        theirs.execute("DELETE FROM app_logs")
        columns = ("timestamp", "logger_name", "level_name", "level_number", "message")
        rows = [tuple(record[column] for column in columns) for record in reversed(records)]
        theirs.executemany("INSERT INTO app_logs VALUES (?, ?, ?, ?, ?)", rows)
    theirs.close()
    return app


def _all_records(connection: Connection, app: str) -> list[dict[str, Any]]:
    """The newest first."""
    records: list[dict[str, Any]] = []
    while True:
        page = str(1 + len(records) // 100)
        status, said = connection.ask("logs", listen_point=app, level="10", from_page=page, per_page="100")
        assert status == 200, said
        records += said
        if len(said) < 100:
            return records


def reads(servers: dict[str, Server], app: str, page: dict[str, str], rounds: int) -> dict[str, float]:
    """Milliseconds, the p50."""
    connections = {name: Connection(server) for name, server in servers.items()}
    taken: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(WARMING + rounds):
        for name, connection in connections.items():
            begin = time.perf_counter()
            status, records = connection.ask("logs", listen_point=app, level="10", **page)
            taken[name].append((time.perf_counter() - begin) * 1e3)
            assert (status, len(records)) == (200, int(page["per_page"]))
    for connection in connections.values():
        connection.close()
    return {name: percentile(times[WARMING:], 0.5) for name, times in taken.items()}


def flush(folder: Path) -> float:
    """Milliseconds of a flush to the disk, the p50."""
    times = []
    with (folder / "flushed").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            begin = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begin) * 1e3)
    return percentile(times, 0.5)


HEAD = ("", "builds/s", "p50 ms", "p95 ms", "failed", "connections", "times as many")


def _show_builds(title: str, taken: dict[str, Taken]) -> None:
    rows = [
        (
            *(name, one.rate, percentile(one.times, 0.5), percentile(one.times, 0.95)),
            *(f"{len(one.faults)} of {len(one.times) + len(one.faults)}", one.connections),
            one.rate / taken[THEIRS].rate,
        )
        for name, one in taken.items()
    ]
    show(title, HEAD, rows)
    for name, one in taken.items():
        for fault in sorted(set(one.faults)):
            print(f"  {name}, {one.faults.count(fault)} times: {fault[:90]}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder, ExitStack() as stack:
        place = Path(folder)
        servers = {THEIRS: stack.enter_context(sloth_ci(place)), OURS: stack.enter_context(anyrig())}
        print(f"\nA flush to this disk takes {flush(place):.2f} ms.")
        _show_builds(
            f"Trigger and wait, one action, {rounds} rounds in turns (asked: at least 4x, none failed)",
            in_turns(servers, rounds),
        )
        _show_builds(
            f"{CLIENTS} clients that wait on {CLIENTS} apps (asked: at least 4x, none failed)",
            with_clients(servers, [f"app-{number}" for number in range(CLIENTS)]),
        )
        _show_builds(
            f"{CLIENTS} clients that wait on one app (asked: none failed)",
            with_clients(servers, ["shared"] * CLIENTS),
        )
        _show_reads(servers, filled(servers, place), rounds)


def _show_reads(servers: dict[str, Server], app: str, rounds: int) -> None:
    rows = []
    for name, page in PAGES.items():
        took = reads(servers, app, page, rounds)
        rows.append((name, took[THEIRS], took[OURS], took[THEIRS] / took[OURS]))
    title = (
        f"Logs at {RECORDS:,} records, p50 of {rounds} (asked: at least 10x faster)\n"
        f"The records are of builds of {OURS}; into the database of {THEIRS} they were copied."
    )
    show(title, ("", f"{THEIRS} ms", f"{OURS} ms", "times as fast"), rows)


if __name__ == "__main__":
    main()
