"""A page of results at a million rows: the API beside the same rows by the bare driver, on both databases.

``python -m bench.results_page [ROWS]``
"""

import http.client
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx

from bench.farm import server
from bench.table import percentile, show

ROUNDS = 100
COLUMNS = (
    "id", "result_id", "job", "task", "seq", "attempt", "project", "job_uid", "node", "user", "category",
    "testcase", "verdict", "failure_reason", "start", "end", "duration", "sha", "tags",
)  # fmt: skip
PAGES = {
    "newest": ("", "1"),
    "one category": ("category:nightly7", "category = 'nightly7'"),
    "failed": ("result:fail", "verdict = 'fail'"),
    "one test": ("testcase:tests/t7.py::test_7", "testcase = 'tests/t7.py::test_7'"),
}


def rows(count: int) -> Iterator[tuple[object, ...]]:
    chance = random.Random(1)
    start = 1_700_000_000_000_000
    for number in range(1, count + 1):
        start += chance.randrange(1, 2_000_000)
        job, length = number // 20 + 1, chance.randrange(10_000, 60_000_000)
        verdict = chance.choices(["pass", "fail", "error"], [90, 7, 3])[0]
        uid, test = f"/rig/0000/{job}", f"tests/t{number % 500}.py::test_{number % 500}"
        reason = None if verdict == "pass" else f"Reason {number % 977}"
        place = (number, f"{uid}/r{number}", job, job, number % 20, 1, "tv", uid)
        who = (f"rig-{job % 50}", f"user{job % 9}", f"nightly{job % 40}")
        yield (*place, *who, test, verdict, reason, start, start + length, length, f"{job % 997:040x}", "{}")


def fill_sqlite(path: Path, count: int) -> None:
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("BEGIN")
        names, marks = ", ".join(f'"{name}"' for name in COLUMNS), ", ".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO results ({names}) VALUES ({marks})", rows(count))
        database.execute("COMMIT")
        database.execute("ANALYZE")


def measured(work: Callable[[], object]) -> float:
    """Milliseconds, p50."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return percentile(times, 0.5) * 1e3


class Plain:
    """One connection and no more: what is measured is the server."""

    def __init__(self, client: httpx.Client) -> None:
        self._connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port)
        self._headers = {"Authorization": client.headers["Authorization"]}

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        assert answer.status == 200
        return answer.read()


def compared(plain: httpx.Client, raw: Callable[[str], Sequence[object]]) -> list[tuple[object, ...]]:
    table: list[tuple[object, ...]] = []
    client = Plain(plain)
    for name, (wanted, where) in PAGES.items():
        ours = measured(lambda wanted=wanted: page(client, wanted))  # type: ignore[misc]
        bare = measured(lambda where=where: json.dumps(raw(where)))  # type: ignore[misc]
        table.append((name, ours, bare, ours / bare))
    deep = cursor_after(client, 200)
    ours = measured(lambda: page(client, "", deep))
    table.append(("newest, page 201", ours, table[0][2], ours / float(str(table[0][2]))))
    return table


def page(client: Plain, wanted: str, cursor: str | None = None) -> dict[str, object]:
    params = {"filter": wanted, "limit": "100"} | ({"cursor": cursor} if cursor else {})
    found: dict[str, object] = json.loads(client.get(f"/api/v3/results?{urlencode(params)}"))
    return found


def cursor_after(client: Plain, pages: int) -> str:
    cursor = None
    for _ in range(pages):
        cursor = str(page(client, "", cursor)["next"])
    return cursor or ""


@contextmanager
def raw_sqlite(path: Path) -> Iterator[Callable[[str], Sequence[object]]]:
    with sqlite3.connect(path) as database:
        yield lambda where: database.execute(
            f"SELECT * FROM results WHERE {where} ORDER BY start DESC, id DESC LIMIT 100"
        ).fetchall()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    head = ("page of 100 rows", "anyrig ms", "bare ms", "ratio")
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        data = Path(folder) / "data"
        with server(data):
            pass
        fill_sqlite(data / "anyrig.sqlite", count)
        with server(data) as client, raw_sqlite(data / "anyrig.sqlite") as raw:
            show(f"Results at {count:,} rows, SQLite (asked: at most 5x)", head, compared(client, raw))
    _on_postgres(count, head)


def _on_postgres(count: int, head: Sequence[object]) -> None:
    sys.path.insert(0, "tests/support")
    from postgres import Cluster  # noqa: PLC0415 - the suite's own

    with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        url = cluster.new_database()
        data = Path(folder) / "data"
        with server(data, ANYRIG_DATABASE_URL=url):
            pass
        _fill_postgres(url, count)
        with server(data, ANYRIG_DATABASE_URL=url) as client, _Raw(url) as raw:
            show(f"Results at {count:,} rows, PostgreSQL (asked: at most 5x)", head, compared(client, raw))


def _fill_postgres(url: str, count: int) -> None:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    command = f"SET session_replication_role = replica; COPY results ({names}) FROM STDIN"
    with subprocess.Popen(["psql", "-q", url, "-c", command], stdin=subprocess.PIPE, text=True) as copy:
        assert copy.stdin is not None
        for row in rows(count):
            copy.stdin.write("\t".join("\\N" if cell is None else str(cell) for cell in row) + "\n")
    subprocess.run(["psql", "-q", url, "-c", "ANALYZE"], check=True)


class _Raw:
    """asyncpg by itself, asked from plain code."""

    def __init__(self, url: str) -> None:
        import asyncio  # noqa: PLC0415

        self._url, self._loop = url, asyncio.new_event_loop()

    def __enter__(self) -> Callable[[str], Sequence[object]]:
        import asyncpg  # noqa: PLC0415

        connection = self._loop.run_until_complete(asyncpg.connect(self._url))
        return lambda where: [
            list(row)
            for row in self._loop.run_until_complete(
                connection.fetch(
                    f"SELECT * FROM results WHERE {'true' if where == '1' else where} "
                    "ORDER BY start DESC, id DESC LIMIT 100"
                )
            )
        ]

    def __exit__(self, *_: object) -> None:
        self._loop.stop()


if __name__ == "__main__":
    main()
