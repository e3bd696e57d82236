"""The home page."""

import pytest
from harbour import move, select
from stbt_core import press, wait_for_match


def test_that_the_home_page_shows_the_logo():
    press("KEY_HOME")
    wait_for_match("images/logo.png", timeout_secs=5)


def test_that_live_tv_looks_selected():
    select("Live TV")
    wait_for_match("images/live-tv-selected.png", timeout_secs=5)


@pytest.mark.parametrize(("key", "expected"), [("KEY_RIGHT", "Guide"), ("KEY_LEFT", "Settings")])
def test_that_an_arrow_selects_the_next_tile(key, expected):
    select("Live TV")
    home = move(key)
    assert home.selection == expected, f"'{home.selection}' is selected, not '{expected}'"
