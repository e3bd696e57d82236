"""A page of what was said of a build costs what it shows, not what there is; on both databases."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from lab_rows import NOW
from sqlalchemy import event, text

from anyrig.core.build_records import Channel, Level
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import build_records
from anyrig.storage.sql import builds as sql
from anyrig.storage.sql.build_records import Page

INFO = Level.INFO


class TestPlans:
    """A page costs what it shows, not what there is."""

    @pytest.fixture
    async def ten_thousand(self, db: Database) -> Database:
        def work(c: Connection) -> None:
            for number in range(2):
                sql.add(c, sql.Kept(0, f"shop-{number}", "builds", 0, b"x", None, NOW, "ada"))
                c.execute(
                    build_records._ADD,
                    [
                        {"history": number + 1, "task": None, "attempt": None, "number": None}
                        | {
                            "at": NOW + at,
                            "channel": list(Channel)[at % 3],
                            "level": INFO,
                            "message": "x" * 80,
                        }
                        for at in range(5000)
                    ],
                )

        await db.write(work)
        await db.write(lambda c: c.execute(text("ANALYZE")))
        return db

    @pytest.mark.parametrize(
        ("channels", "index"),
        [(None, "ix_build_records_history"), ((Channel.RUN,), "ix_build_records_channel")],
    )
    async def test_a_page_is_read_off_an_index(
        self, ten_thousand: Database, channels: tuple[Channel, ...] | None, index: str
    ) -> None:
        wanted = Page(channels, INFO, 20, 10)
        for ask in (
            lambda c: build_records.page(c, 1, wanted),
            lambda c: build_records.page_at(c, "shop-0", wanted),
        ):
            plan = await ten_thousand.read(partial(plan_of, ask=ask))
            assert index in plan
            assert not re.search(r"SCAN build_records$|Seq Scan on build_records|Sort|TEMP B-TREE", plan), (
                plan
            )


def plan_of(c: Connection, ask: Callable[[Connection], object]) -> str:
    """How the database is about to find it."""
    heard: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    event.listen(c, "before_cursor_execute", listen)
    ask(c)
    event.remove(c, "before_cursor_execute", listen)
    ((statement, parameters),) = heard
    explain = "EXPLAIN QUERY PLAN" if c.dialect.name == "sqlite" else "EXPLAIN"
    rows = c.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)
