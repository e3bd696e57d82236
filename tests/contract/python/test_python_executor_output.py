"""Logs and artifacts of tests."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from anyrig.core.results import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.python.conftest import Agent, Told

LOGS = {"combined.log", "stdout.log", "stderr.log", "exit-status"}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 ")


async def test_both_streams_and_what_programs_write_come_in_the_order_of_writing(agent: Agent) -> None:
    told = await agent.run("output.py::test_streams")
    assert told.messages == [
        "imported",
        "hello from conftest",
        "on stderr",
        "from a program",
        "after the program",
        "raw",
        "bytes é \\xff",
        "lone \\udc80",
        "WARNING:tv:from logging",
        "no newline at the end",
    ]
    assert told.output["combined.log"].decode() == told.log_text
    assert told.output["stderr.log"] == b"on stderr\nraw\nWARNING:tv:from logging\n"
    assert told.output["stdout.log"].decode().splitlines() == [
        line for line in told.messages if line not in {"on stderr", "raw", "WARNING:tv:from logging"}
    ]


async def test_lines_are_stamped_when_written_by_the_servers_clock_and_never_go_back(
    agent: Agent, told_of_tomorrow: Told
) -> None:
    told = await agent.run("output.py::test_times", "output.py::test_streams", told=told_of_tomorrow)
    lines = told.log_text.splitlines()
    assert all(STAMP.match(line) for line in lines)
    stamps = [line[:32] for line in lines]
    assert stamps == sorted(stamps)
    first, second = (datetime.fromisoformat(line[:32]) for line in lines if line[33:] in {"first", "second"})
    assert 0.2 <= (second - first).total_seconds() < 10
    assert 23 < (first - datetime.now(UTC)).total_seconds() / 3600 < 25


async def test_a_line_is_live_long_before_the_test_ends(agent: Agent, told: Told) -> None:
    seen = asyncio.Event()
    told.on_log = lambda told: seen.set() if "asleep" in told.messages else None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(agent.run("processes.py::test_sleeps", told=told))
        await seen.wait()
        assert not running.done()
        agent.stop.set("Stopped by ada.", 5)


async def test_what_an_import_prints_is_in_the_log_of_every_test_of_the_file(agent: Agent) -> None:
    told = await agent.run("output.py::test_times", "output.py::test_times")
    assert told.messages == ["imported", "first", "second"] * 2


async def test_pytests_own_capturing_still_works(agent: Agent) -> None:
    told = await agent.run("output.py::test_captured", "output.py::test_captured_files")
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.PASS, Verdict.PASS]
    assert told.messages == ["imported", "shown after all", "imported"]


async def test_threads_do_not_mix_up_lines(agent: Agent) -> None:
    told = await agent.run("output.py::test_two_threads")
    lines = told.messages[1:]
    assert sorted(lines) == sorted(f"{name} {number}" for name in "ab" for number in range(500))


async def test_the_streams_are_good_for_whatever_else_tests_do_with_them(agent: Agent) -> None:
    told = await agent.run("output.py::test_odd_uses")
    assert told.outcome.verdict is Verdict.PASS, told.outcome
    assert told.messages == ["imported", "wrapped", "several", "lines", "from a fork"]


async def test_a_very_long_line_is_cut_into_pieces(agent: Agent) -> None:
    told = await agent.run("output.py::test_long_line")
    pieces = told.messages[1:]
    assert set("".join(pieces)) == {"x"}
    assert sum(map(len, pieces)) == 3_000_000


async def test_beyond_the_limit_the_log_is_dropped_and_says_so_once(agent: Agent) -> None:
    told = await agent.run("output.py::test_much_output", params={"max_log_bytes": 1_000_000})
    assert told.outcome.verdict is Verdict.PASS
    assert told.messages[-1] == "(The log is longer than 1000000 bytes; what follows is dropped.)"
    assert len(told.log_text) <= 1_000_200
    assert told.output["combined.log"].decode() == told.log_text


async def test_a_test_that_closes_every_file_loses_only_its_own_verdict(agent: Agent) -> None:
    told = await agent.run("output.py::test_closed_streams", "output.py::test_times")
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.ERROR, Verdict.PASS]


async def test_regular_files_become_artifacts_and_others_are_named_in_the_log(agent: Agent) -> None:
    told = await agent.run("output.py::test_files")
    assert set(told.output) - LOGS == {"a.txt", "logs/deep/b.txt", "größe 50%.json"}
    assert told.output["logs/deep/b.txt"] == b"logs/deep/b.txt"
    assert told.output["combined.log"].decode() == told.log_text
    assert told.messages[1:] == [
        "'bad\\udcff' is no artifact: its name is not printable UTF-8.",
        "'new\\nline' is no artifact: its name is not printable UTF-8.",
    ]


async def test_a_test_may_remove_its_folder(agent: Agent) -> None:
    told = await agent.run("output.py::test_folder_removed", "output.py::test_files")
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.PASS, Verdict.PASS]


async def test_more_files_than_the_limit_are_an_error(agent: Agent) -> None:
    told = await agent.run("output.py::test_too_many_bytes", params={"max_files_bytes": 1000})
    assert told.outcome.verdict is Verdict.ERROR
    assert told.outcome.reason == "The test left more than 1000 bytes in its result directory"
    assert told.output["exit-status"] == b"2"


async def test_a_test_that_fills_the_disk_is_stopped(agent: Agent) -> None:
    told = await agent.run("output.py::test_fills_the_disk", params={"max_files_bytes": 5_000_000})
    assert told.outcome.verdict is Verdict.ERROR
    reason = "The test left more than 5000000 bytes in its result directory"
    assert told.outcome.reason is not None
    assert told.outcome.reason.startswith(reason)


async def test_many_lines_arrive_whole(agent: Agent) -> None:
    told = await agent.run("output.py::test_many_lines")
    assert told.messages[1:] == [f"line {n} of many that are printed" for n in range(20_000)]


async def test_only_what_the_last_test_left_stays_until_the_task_has_ended(
    agent: Agent, tmp_path: Path
) -> None:
    await agent.run("output.py::test_files", "output.py::test_times", "output.py::test_files")
    assert [place.name for place in (tmp_path / "1" / "results").iterdir()] == ["2"]
