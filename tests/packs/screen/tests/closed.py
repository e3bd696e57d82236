"""Imports what stb-tester has and stbt_core has not."""

import stbt
from stbt import get_rms_volume, press


def test_presses():
    assert press is stbt.press
    assert stbt.Region.ALL
    assert not hasattr(stbt, "press_harder")
    assert not [name for name in dir(stbt) if not hasattr(stbt, name)]


def test_listens():
    get_rms_volume()


def test_a_slip():
    stbt.mtach("marker.png")
