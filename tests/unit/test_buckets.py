"""Token buckets, and the limits made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.buckets import Bucket, Rate, full, refilled, take
from anyrig.core.errors import TooManyRequests
from anyrig.server.limits import RateLimits, Traffic

rates = st.builds(
    Rate,
    per_second=st.floats(0.01, 1000, allow_nan=False),
    burst=st.floats(1, 5000, allow_nan=False),
)
steps = st.lists(st.floats(0, 30, allow_nan=False), max_size=200)


def admitted(rate: Rate, waits: list[float]) -> tuple[int, float]:
    """How many of the requests got through that came after these pauses, and how long it all took."""
    now, bucket, passed = 0.0, full(rate, 0.0), 0
    for wait in waits:
        now += wait
        bucket, seconds = take(bucket, rate, now)
        passed += seconds == 0
    return passed, now


def test_a_full_bucket_lets_its_burst_through_and_then_no_more() -> None:
    rate = Rate(per_second=2.0, burst=5.0)
    assert admitted(rate, [0.0] * 9) == (5, 0.0)
    assert take(Bucket(0.0, 7.0), rate, 7.0) == (Bucket(0.0, 7.0), 0.5)


@given(rates, steps)
def test_no_more_get_through_than_burst_and_rate_allow(rate: Rate, waits: list[float]) -> None:
    passed, seconds = admitted(rate, waits)
    assert passed <= rate.burst + rate.per_second * seconds + 1e-6


@given(rates, st.floats(0, 5000, allow_nan=False), st.floats(0, 1e6, allow_nan=False))
def test_who_waits_as_long_as_told_gets_through(rate: Rate, left: float, now: float) -> None:
    bucket, seconds = take(Bucket(min(left, rate.burst), now), rate, now)
    if seconds:
        assert take(bucket, rate, now + seconds * 1.000001 + 1e-6)[1] == 0.0


@given(rates, st.floats(0, 1e6, allow_nan=False), st.floats(0, 1e6, allow_nan=False))
def test_a_bucket_never_holds_more_than_its_burst_nor_loses_by_waiting(
    rate: Rate, now: float, later: float
) -> None:
    before = Bucket(rate.burst / 2, now)
    after = refilled(before, rate, later)
    assert before.left <= after.left <= rate.burst
    assert after.at >= before.at


class Clock:
    """Stands still until told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock) -> RateLimits:
    return RateLimits({Traffic.ORDINARY: Rate(1.0, 2.0), Traffic.DOWNLOAD: Rate(10.0, 3.0)}, clock)


def test_each_token_and_each_kind_of_traffic_has_its_own_limit(clock: Clock) -> None:
    wall = limits(clock)
    for _ in range(2):
        wall.admit("a", Traffic.ORDINARY)
        wall.admit("b", Traffic.ORDINARY)
    with pytest.raises(TooManyRequests) as refused:
        wall.admit("a", Traffic.ORDINARY)
    assert refused.value.fields["seconds"] == 1.0
    for _ in range(3):
        wall.admit("a", Traffic.DOWNLOAD)
    clock.now += 1.0
    wall.admit("a", Traffic.ORDINARY)


def test_tokens_that_rest_are_forgotten_and_those_that_do_not_are_kept(clock: Clock) -> None:
    wall = limits(clock)
    wall.admit("rests", Traffic.ORDINARY)
    clock.now += 1000.0
    for number in range(10_000):
        wall.admit(f"busy-{number}", Traffic.ORDINARY)
    assert len(wall._buckets) == 10_000
    wall.admit("busy-7", Traffic.ORDINARY)
    with pytest.raises(TooManyRequests):
        wall.admit("busy-7", Traffic.ORDINARY)


def test_the_limits_of_everyday_let_scripts_download_big_jobs_and_many_clients_wait() -> None:
    wall = RateLimits(clock=Clock())
    for _ in range(2000):
        wall.admit("a", Traffic.DOWNLOAD)
    for _ in range(5000):
        wall.admit("a", Traffic.WAIT)
    for _ in range(500):
        wall.admit("a", Traffic.ORDINARY)
    with pytest.raises(TooManyRequests):
        wall.admit("a", Traffic.ORDINARY)
