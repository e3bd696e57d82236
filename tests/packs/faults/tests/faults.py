"""Tests for those who pull plugs."""

import os
import subprocess
import time


def test_quick():
    print("quick")


def test_slow():
    for number in range(60):
        print(f"line {number}")
        time.sleep(0.05)


def test_long():
    """Leaves a child behind, in a session of its own, that a killed agent must not leave behind."""
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    for number in range(1200):
        print(f"line {number}")
        time.sleep(0.05)


def test_big_file():
    with open("big.bin", "wb") as file:
        for _ in range(6):
            file.write(os.urandom(1024 * 1024))
