"""Tests whose names are made at run time."""

import pytest


@pytest.mark.parametrize("key", ["KEY_UP", "KEY_DOWN"])
def test_key(key):
    assert key.startswith("KEY_")


class TestMenu:
    def test_opens(self):
        pass
