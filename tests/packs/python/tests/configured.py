"""Reads its configuration while it is imported."""

from stbt_core import get_config

TAG = get_config("result.tags", "tag", "none")


def test_tag():
    print("tag", TAG)
