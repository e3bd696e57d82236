"""Numbers in words."""

import pytest

from anyrig.core.wording import duration_text, size_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (1.24, "1.2 s"),
        (60, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_a_duration_is_said_in_two_units_at_most(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (20_000_000, "20 MB"),
        (3 * 10**9, "3 GB"),
        (10**13, "10 TB"),
    ],
)
def test_a_size_is_said_in_powers_of_ten(size: int, text: str) -> None:
    assert size_text(size) == text
