"""Live television."""

import pytest
from harbour import Banner, open_tile
from stbt_core import Region, press, wait_for_motion, wait_until


def watch():
    open_tile("Live TV")
    assert wait_until(Banner, timeout_secs=8), "live TV shows no banner"


def test_that_the_picture_moves():
    watch()
    wait_for_motion(timeout_secs=5, region=Region(0, 300, 1280, 180))


def test_that_the_next_channel_follows():
    watch()
    press("KEY_1")
    assert wait_until(lambda: Banner().channel == "Harbour One")
    press("KEY_UP")
    assert wait_until(lambda: Banner().channel == "News 24"), f"the banner says '{Banner().channel}'"


@pytest.mark.parametrize(("number", "name"), [(3, "Sport Live"), (4, "Movie Box")])
def test_that_a_number_tunes(number, name):
    watch()
    press(f"KEY_{number}")
    assert wait_until(lambda: Banner().channel == name), f"the banner says '{Banner().channel}'"


def test_that_the_banner_goes_away():
    """Slow: a banner stays for three seconds."""
    watch()
    assert wait_until(lambda: not Banner(), timeout_secs=10), "the banner is still there"
