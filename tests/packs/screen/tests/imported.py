"""Looks at the device while it is imported."""

import stbt_core

FRAME = stbt_core.get_frame()


def test_has_the_frame():
    assert FRAME.shape == (360, 640, 3)
    assert stbt_core.get_frame().time >= FRAME.time


def test_has_it_too():
    print("frame", FRAME.time)
