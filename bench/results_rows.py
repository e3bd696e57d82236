"""Results of a farm over a year and a half, put into a database by the bare driver."""

import json
import random
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = (
    "id", "result_id", "job", "task", "seq", "attempt", "project", "job_uid", "node", "user", "category",
    "testcase", "verdict", "failure_reason", "start", "end", "duration", "sha", "tags",
)  # fmt: skip
TAG_COLUMNS = ("name", "value", "result")
Row = tuple[object, ...]


def rows(count: int) -> Iterator[Row]:
    """Failures last longer than passes, and have reasons of which most are like no other; errors are rare."""
    chance = random.Random(1)
    start = 1_700_000_000_000_000
    for number in range(1, count + 1):
        start += chance.randrange(1, 2_000_000)
        job, length = number // 20 + 1, chance.randrange(10_000, 60_000_000)
        verdict = chance.choices(["pass", "fail", "error"], [920, 75, 5])[0]
        if verdict != "pass":
            length += 60_000_000
        uid, which = f"/rig-{job % 50}/0000/{job}", chance.randrange(2_000)
        test = f"tests/part{which % 5}/t{which // 4}.py::test_{which}"
        place = (number, f"{uid}/r{number}", job, job, number % 20, 1, "tv", uid)
        who = (f"rig-{job % 50}", f"user{job % 9}", "rare" if job % 2_500 == 7 else f"nightly{job % 40}")
        what = (test, verdict, _reason(verdict, chance, which))
        tags = json.dumps(_tags(job))
        yield (*place, *who, *what, start, start + length, length, f"{job // 50:040x}", tags)


def _reason(verdict: str, chance: random.Random, which: int) -> str | None:
    if verdict == "pass":
        return None
    if verdict == "error":
        return f"KeyError: 'slot{chance.randrange(300)}'"
    return f"No match for image{which}.png after {chance.randrange(100, 600) / 10} seconds"


def _tags(job: int) -> dict[str, str | None]:
    """One build in two hundred jobs, and a mark on one job in 2,500."""
    return {"build": f"b{job // 200}"} | ({"flaky": None} if job % 2_500 == 7 else {})


def tags(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        for name, value in _tags(number // 20 + 1).items():
            yield name, value or "", number


def fill_sqlite(path: Path, count: int) -> None:
    with sqlite3.connect(path, isolation_level=None) as database:
        for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        for table, columns, content in _contents(count):
            marks = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO {table} ({_listed(columns)}) VALUES ({marks})", content)
        database.execute("COMMIT")


def fill_postgres(url: str, count: int) -> None:
    _psql(url, "ALTER TABLE results DROP CONSTRAINT fk_results_job")  # there are no jobs to these
    for table, columns, content in _contents(count):
        command = ["psql", "-q", url, "-c", f"COPY {table} ({_listed(columns)}) FROM STDIN"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as copy:
            assert copy.stdin is not None
            for row in content:
                copy.stdin.write("\t".join("\\N" if cell is None else str(cell) for cell in row) + "\n")
    _psql(url, "VACUUM ANALYZE")


def _contents(count: int) -> tuple[tuple[str, tuple[str, ...], Iterable[Row]], ...]:
    return (("results", COLUMNS, rows(count)), ("result_tags", TAG_COLUMNS, tags(count)))


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _psql(url: str, command: str) -> None:
    subprocess.run(["psql", "-q", url, "-c", command], check=True)
