"""The programme guide."""

from harbour import Titled, open_tile
from stbt_core import Region, match_text, press, press_and_wait, wait_until


def test_that_the_guide_opens():
    open_tile("Guide")
    assert wait_until(lambda: Titled().title == "Guide", timeout_secs=8)


def test_that_the_guide_shows_what_is_on():
    test_that_the_guide_opens()
    assert match_text("Headlines", region=Region(60, 140, 900, 460))


def test_that_the_selection_moves_to_the_next_hour():
    test_that_the_guide_opens()
    moved = press_and_wait("KEY_RIGHT", timeout_secs=5, stable_secs=0.5)
    assert moved, f"nothing moved: {moved.status}"


def test_that_the_guide_loads_within_three_seconds():
    open_tile("Guide")
    press("KEY_HOME")
    loaded = press_and_wait("KEY_OK", timeout_secs=8, stable_secs=1)
    assert loaded, f"the guide did not come to rest: {loaded.status}"
    print(f"the guide took {loaded.duration:.2f} s")
    assert loaded.duration < 3
