"""Looks for as long as there is something to see."""

import stbt


def test_watches():
    seen = False
    for _ in stbt.frames():
        if not seen:
            print("watching", flush=True)
        seen = True
