"""A page of results: the API beside the same question to the bare driver and JSON, on both databases.

``python -m bench.results_page [--rows N]``, or ``BENCH_ROWS=N python -m bench results_page``.
"""

import argparse
import asyncio
import http.client
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import asyncpg
import httpx

from bench.farm import server
from bench.results_rows import fill_postgres, fill_sqlite
from bench.table import percentile, show

ROWS = 200_000
ROUNDS = 50
SLOW = 0.2
"""Seconds: what takes longer is asked a few times only."""
HEAD = ("page of 100 rows", "anyrig ms", "bare ms", "ratio")
DATE = "start DESC, id DESC"
ANYWHERE = "(lower(testcase) LIKE '{0}' OR lower(failure_reason) LIKE '{0}' OR lower(category) LIKE '{0}')"
Ask = Callable[[str, str], Sequence[object]]


class Page(NamedTuple):
    """A question, in our words and in SQL."""

    name: str
    filter: str
    where: str
    sort: str = "date:desc"
    order: str = DATE


LONGEST = {"sort": "duration:desc", "order": "duration DESC, id DESC"}
BY_TEST = {"sort": "testcase:asc", "order": "testcase, start, id"}
PAGES = (
    Page("newest", "", "1 = 1"),
    Page("one category", "category:nightly7", "category = 'nightly7'"),
    Page("failed", "result:fail", "verdict = 'fail'"),
    Page(
        "one test", "testcase:tests/part2/t1.py::test_7", "testcase = 'tests/part2/t1.py::test_7'", **LONGEST
    ),
    Page("longest", "", "1 = 1", **LONGEST),
    Page("failed, longest", "result:fail", "verdict = 'fail'", **LONGEST),
    Page("error, by test", "result:error", "verdict = 'error'", **BY_TEST),
    Page(
        "category, error",
        "category:nightly7 result:error",
        "category = 'nightly7' AND verdict = 'error'",
        **LONGEST,
    ),
    Page("one node, longest", "node:rig-3", "node = 'rig-3'", **LONGEST),
    Page("rare tag", "tag:flaky", "id IN (SELECT result FROM result_tags WHERE name = 'flaky')"),
    Page("absent tag", "tag:absent", "id IN (SELECT result FROM result_tags WHERE name = 'absent')"),
    Page("a word", "image77.png", ANYWHERE.format("%image77.png%")),
    Page("absent word", "zebra", ANYWHERE.format("%zebra%")),
    Page("a reason", "failure_reason:slot17", "lower(failure_reason) LIKE '%slot17%'"),
)


def measured(work: Callable[[], object]) -> float:
    """Milliseconds, p50."""
    times: list[float] = []
    while len(times) < ROUNDS and not (len(times) > 2 and times[0] > SLOW):
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

    def page(self, asked: Page, cursor: str | None = None) -> dict[str, object]:
        params = {"filter": asked.filter, "sort": asked.sort, "limit": "100"}
        path = f"/api/v3/results?{urlencode(params | ({'cursor': cursor} if cursor else {}))}"
        found: dict[str, object] = json.loads(self.get(path))
        return found


def compared(plain: httpx.Client, raw: Ask) -> list[tuple[object, ...]]:
    table: list[tuple[object, ...]] = []
    client = Plain(plain)
    for asked in PAGES:
        ours = measured(lambda asked=asked: client.page(asked))  # type: ignore[misc]
        bare = measured(lambda asked=asked: json.dumps(raw(asked.where, asked.order)))  # type: ignore[misc]
        table.append((asked.name, ours, bare, ours / bare))
    deep = cursor_after(client, PAGES[0], 200)
    ours, bare = measured(lambda: client.page(PAGES[0], deep)), float(str(table[0][2]))
    table.append(("newest, page 201", ours, bare, ours / bare))
    return table


def cursor_after(client: Plain, asked: Page, pages: int) -> str:
    cursor = None
    for _ in range(pages):
        cursor = str(client.page(asked, cursor)["next"])
    return cursor or ""


@contextmanager
def raw_sqlite(path: Path) -> Iterator[Ask]:
    with sqlite3.connect(path) as database:
        yield lambda where, order: database.execute(_sql(where, order)).fetchall()


@contextmanager
def raw_postgres(url: str) -> Iterator[Ask]:
    """asyncpg by itself, asked from plain code."""
    with asyncio.Runner() as runner:
        connection = runner.run(_connected(url))
        yield lambda where, order: runner.run(_fetched(connection, _sql(where, order)))
        runner.run(connection.close())


async def _connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)


async def _fetched(connection: asyncpg.Connection, statement: str) -> list[list[object]]:
    return [list(row) for row in await connection.fetch(statement)]


def _sql(where: str, order: str) -> str:
    return f"SELECT * FROM results WHERE {where} ORDER BY {order} LIMIT 100"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("BENCH_ROWS", ROWS)))
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        data = Path(folder) / "data"
        with server(data):
            pass
        fill_sqlite(data / "anyrig.sqlite", count)
        with server(data) as client, raw_sqlite(data / "anyrig.sqlite") as raw:
            show(f"Results at {count:,} rows, SQLite (asked: at most 5x)", HEAD, compared(client, raw))
    _on_postgres(count)


def _on_postgres(count: int) -> None:
    sys.path.insert(0, "tests/support")
    from postgres import Cluster  # noqa: PLC0415 - the suite's own

    with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        url = cluster.new_database()
        data = Path(folder) / "data"
        with server(data, ANYRIG_DATABASE_URL=url):
            pass
        fill_postgres(url, count)
        with server(data, ANYRIG_DATABASE_URL=url) as client, raw_postgres(url) as raw:
            show(f"Results at {count:,} rows, PostgreSQL (asked: at most 5x)", HEAD, compared(client, raw))


if __name__ == "__main__":
    main()
