"""Lists of results: every way to find them finds the same ones in the same order, on both databases."""

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, update

from anyrig.core.filters import (
    And,
    Everything,
    Filter,
    InRange,
    JobIs,
    JobUnder,
    NameLike,
    NameUnder,
    Not,
    Or,
    ReasonHas,
    ShaBegins,
    Sort,
    SortField,
    TagIs,
    TextIs,
    VerdictIs,
    Word,
)
from anyrig.core.records import Result
from anyrig.core.results import Verdict
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.schema import jobs, result_tags, results
from anyrig.storage.sql import orders, search

COUNT = 12_000
"""More than are ever fetched without a second thought, so that every way is taken."""
PER_JOB = 20
EXACTLY = "timed out after 7 s"
ORDERS = [Sort(field, descending) for field, descending in itertools.product(SortField, (False, True))]
Row = dict[str, Any]
Rule = Callable[[Row], bool]


def everyone(_row: Row) -> bool:
    return True


def nobody(_row: Row) -> bool:
    return False


QUESTIONS: list[tuple[Filter, Rule]] = [
    (Everything(), everyone),
    (TextIs("category", "nightly"), lambda row: row["category"] == "nightly"),
    (TextIs("category", "rare"), lambda row: row["category"] == "rare"),
    (TextIs("node", "rig1"), lambda row: row["node"] == "rig1"),
    (TextIs("user", "nobody"), nobody),
    (VerdictIs(Verdict.ERROR), lambda row: row["verdict"] == "error"),
    (Not(VerdictIs(Verdict.PASS)), lambda row: row["verdict"] != "pass"),
    (JobIs("/rig1/0000/2"), lambda row: row["job_uid"] == "/rig1/0000/2"),
    (JobUnder("/rig1"), lambda row: row["job_uid"].startswith("/rig1/")),
    (NameUnder("tests/a.py::test_1"), lambda row: row["testcase"] == "tests/a.py::test_1"),
    (NameUnder("tests/a.py"), lambda row: row["testcase"].startswith("tests/a.py::")),
    (NameUnder("tests/a"), nobody),
    (NameLike("tests/*_1*"), lambda row: "_1" in row["testcase"]),
    (NameLike("TESTS/*"), nobody),
    (ShaBegins("00000"), lambda row: row["sha"].startswith("00000")),
    (TagIs("flaky", None), lambda row: "flaky" in row["tags"]),
    (TagIs("build", "b7"), lambda row: row["tags"].get("build") == "b7"),
    (TagIs("absent", None), nobody),
    (Word("TEST_1"), lambda row: "test_1" in row["testcase"]),
    (Word("rAr"), lambda row: row["category"] == "rare"),
    (Word('say "no"'), lambda row: 'say "no"' in (row["failure_reason"] or "")),
    (Word("%"), lambda row: "%" in (row["failure_reason"] or "")),
    (ReasonHas("TIMED"), lambda row: "timed" in (row["failure_reason"] or "")),
    (ReasonHas("r 7 s"), lambda row: "r 7 s" in (row["failure_reason"] or "")),
    (ReasonHas("no such reason"), nobody),
    (TextIs("failure_reason", EXACTLY), lambda row: row["failure_reason"] == EXACTLY),
    (InRange("duration", 9_000, None), lambda row: row["duration"] >= 9_000),
    (InRange("date", 3_000, 3_100), lambda row: 3_000 <= row["start"] < 3_100),
    (
        And((TextIs("category", "nightly"), VerdictIs(Verdict.FAIL), NameUnder("tests/b.py"))),
        lambda row: (row["category"], row["verdict"], row["testcase"][6]) == ("nightly", "fail", "b"),
    ),
    (
        Or((VerdictIs(Verdict.ERROR), And((TagIs("flaky", None), TextIs("node", "rig2"))))),
        lambda row: row["verdict"] == "error" or ("flaky" in row["tags"] and row["node"] == "rig2"),
    ),
    (
        And((Or((VerdictIs(Verdict.PASS), VerdictIs(Verdict.FAIL))), TextIs("node", "rig1"))),
        lambda row: row["verdict"] != "error" and row["node"] == "rig1",
    ),
    (Not(ReasonHas("timed")), lambda row: "timed" not in (row["failure_reason"] or "")),
]  # fmt: skip


def made() -> Iterator[Row]:
    chance = random.Random(3)
    for number in range(1, COUNT + 1):
        job = (number - 1) // PER_JOB + 1
        verdict = "error" if number % 400 == 7 else chance.choice(["pass", "pass", "fail"])
        reasons = [f"timed out after {chance.randrange(90)} s", 'I say "no"', "100% wrong"]
        tags = {"flaky": None} if job % 100 == 1 else {"build": f"b{job // 40}"}
        yield {
            "id": number,
            "result_id": f"/rig{job % 3}/0000/{job}/{number}",
            "job": job,
            "task": job,
            "seq": number,
            "attempt": 1,
            "project": "tv" if job % 50 else "radio",
            "job_uid": f"/rig{job % 3}/0000/{job}",
            "node": f"rig{job % 3}",
            "user": "ada",
            "category": "rare" if job % 200 == 5 else "nightly",
            "testcase": f"tests/{'ab'[number % 2]}.py::test_{number % 40}",
            "verdict": verdict,
            "failure_reason": None if verdict == "pass" else chance.choice(reasons),
            "start": number // 2,
            "end": number // 2 + number * 7 % 10_007,
            "duration": number * 7 % 10_007,
            "sha": f"{job * 7919 % 65_536:06x}",
            "tags": tags,
            "deleted": 1 if number % 1000 == 9 else None,
        }


ROWS = list(made())


def fill(connection: Connection) -> None:
    blank = {
        "project": "tv",
        "kind": "python",
        "state": "finished",
        "user": "ada",
        "category": "x",
        "tags": {},
    }
    more = {
        "revision": "main",
        "sha": "",
        "tests": [],
        "remote_control": "",
        "forever": False,
        "shuffle": False,
    }
    counts = dict.fromkeys(("retries", "created", "expected", "passed", "failed", "errors"), 0)
    made = [
        blank | more | counts | {"id": n, "uid": str(n), "params": {}} for n in range(1, COUNT // PER_JOB + 1)
    ]
    connection.execute(insert(jobs), made)
    connection.execute(insert(results), ROWS)
    tags = [
        {"name": name, "value": value or "", "result": row["id"]}
        for row in ROWS
        for name, value in row["tags"].items()
    ]
    connection.execute(insert(result_tags), tags)


def expected(rule: Rule, sort: Sort) -> list[int]:
    names = orders.key_names(sort)
    kept = [row for row in ROWS if rule(row) and row["deleted"] is None]
    kept.sort(key=lambda row: tuple(row[name] for name in names), reverse=sort.descending)
    return [row["id"] for row in kept]


def walked(connection: Connection, wanted: Filter, sort: Sort, size: int, most: int) -> list[int]:
    """The numbers that page after page gives."""
    numbers: list[int] = []
    page: list[Result] = search.page(connection, wanted, sort, size)
    while page and len(numbers) < most:
        numbers += [result.number for result in page]
        page = search.page(connection, wanted, sort, size, search.key_of(page[-1], sort))
    return numbers


async def test_every_question_in_every_order_is_answered_page_by_page(db: Database) -> None:
    await db.write(fill)

    def wrong(c: Connection) -> list[tuple[Filter, Sort]]:
        # Each question in each order, half of them upwards: a list is one question and six orders.
        asked = [
            (*question, Sort(field, (number + turn) % 2 == 0))
            for number, question in enumerate(QUESTIONS)
            for turn, field in enumerate(SortField)
        ]
        return [
            (wanted, sort)
            for wanted, rule, sort in asked
            if walked(c, wanted, sort, 70, 140) != expected(rule, sort)[:140]
        ]

    assert await db.read(wrong) == []


async def test_a_token_for_some_projects_finds_theirs(db: Database) -> None:
    await db.write(fill)
    radio = frozenset({"radio"})

    def page(c: Connection, sort: Sort) -> list[int]:
        return [one.number for one in search.page(c, Everything(), sort, 60, projects=radio)]

    for sort in ORDERS:
        assert (
            await db.read(partial(page, sort=sort))
            == expected(lambda row: row["project"] == "radio", sort)[:60]
        )


@pytest.mark.parametrize("wanted", [Word("blue"), ReasonHas("BLUE"), TextIs("failure_reason", "It is blue")])
async def test_a_reason_that_changes_is_found_by_its_new_words(db: Database, wanted: Filter) -> None:
    def work(c: Connection) -> list[int]:
        fill(c)
        c.execute(update(results).where(results.c.id == 5).values(failure_reason="It is blue"))
        return [one.number for one in search.page(c, wanted, ORDERS[0], 5)]

    assert await db.write(work) == [5]
