"""Tests for long runs."""

import time


def test_quick():
    pass


def test_that_takes_minutes():
    print("sat down", flush=True)
    time.sleep(300)
