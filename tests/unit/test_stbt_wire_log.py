"""Logs in the reader's time zone."""

import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.server.dialects.stbt.wire_log import LocalTimes, only_line, zone_named

DENVER = ZoneInfo("America/Denver")
LOG = b"""\
2015-06-16T13:29:17.162452+00:00 stbt-run: Arguments:
2015-06-16T13:29:17.162615+00:00
2015-06-16T13:29:18Z at 2015-06-16T13:29:17.162615+00:00 still
  a continuation line
2015-06-16T13:29:17.162+02:00 printed by the test
2015-99-16T13:29:17.162615+00:00 no such day
2015-06-16T13:29:17.162615+00:00no space
0001-01-01T00:00:00.000000+00:00 too early for Denver
2015-12-24T02:00:00.000001+00:00 winter, in the line without an end"""
RENDERED = b"""\
2015-06-16T07:29:17.162452-06:00 stbt-run: Arguments:
2015-06-16T07:29:17.162615-06:00
2015-06-16T07:29:18-06:00 at 2015-06-16T13:29:17.162615+00:00 still
  a continuation line
2015-06-16T13:29:17.162+02:00 printed by the test
2015-99-16T13:29:17.162615+00:00 no such day
2015-06-16T13:29:17.162615+00:00no space
0001-01-01T00:00:00.000000+00:00 too early for Denver
2015-12-23T19:00:00.000001-07:00 winter, in the line without an end"""


def rendered(blocks: list[bytes], zone: ZoneInfo = DENVER) -> bytes:
    times = LocalTimes(zone)
    return b"".join(times.feed(block) for block in blocks) + times.end()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def test_the_time_at_the_start_of_each_line_is_rendered_and_nothing_else() -> None:
    assert rendered([LOG]) == RENDERED


@given(st.lists(st.integers(0, len(LOG)), max_size=30))
def test_it_does_not_matter_how_the_log_is_cut_into_blocks(places: list[int]) -> None:
    assert rendered(cut(LOG, places)) == RENDERED


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=10))
def test_anything_that_has_no_times_comes_out_as_it_went_in(data: bytes, places: list[int]) -> None:
    assert rendered(cut(data, places)) == data


def test_a_long_line_is_not_held_back_and_is_rendered_once() -> None:
    times = LocalTimes(DENVER)
    stamp = b"2015-06-16T13:29:17.162452+00:00 "
    out = times.feed(stamp + b"x" * 100)
    assert out == b"2015-06-16T07:29:17.162452-06:00 " + b"x" * 100
    assert times.feed(stamp) == stamp
    assert times.feed(b"\n" + stamp + b"\n") == b"\n2015-06-16T07:29:17.162452-06:00 \n"
    assert times.end() == b""


def test_a_zone_with_odd_offsets_is_fine() -> None:
    line = b"2024-08-24T20:00:00.5+00:00 evening\n"
    assert rendered([line], ZoneInfo("Asia/Kathmandu")) == b"2024-08-25T01:45:00.5+05:45 evening\n"


@pytest.mark.parametrize("name", [None, "", "UTC", "Etc/UTC"])
def test_utc_needs_no_rendering(name: str | None) -> None:
    assert zone_named(name) is None


def test_zones_are_those_of_the_olson_database() -> None:
    assert zone_named("America/Denver") == DENVER


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "a\0b", "America", "x" * 999]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(BadField, match="there is no time zone"):
        zone_named(name)


def test_a_result_without_a_log_says_why_it_did_not_pass() -> None:
    line = only_line(1_432_824_395_354_791, "Node lost.\nThe test had not started.")
    assert line == (
        b"2015-05-28T14:46:35.354791+00:00 Node lost.\n"
        b"2015-05-28T14:46:35.354791+00:00 The test had not started.\n"
    )
    assert only_line(0, "") == b""
