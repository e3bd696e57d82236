"""Tests that print and write."""

import os
import sys


def test_that_prints():
    print("A message printed by the test script: é")
    print("and one on stderr", file=sys.stderr)


def test_that_writes_files():
    os.makedirs("a/file in a subdirectory")
    with open("a/file in a subdirectory/another.log", "w") as f:
        f.write("x" * 2433)
    with open("my file.txt", "w") as f:
        f.write("0123456789")
    with open("50%.txt", "w") as f:
        f.write("half")
    with open("a%20b.txt", "w") as f:
        f.write("literal")
    with open("größe.json", "w") as f:
        f.write("{}")
    with open("empty.bin", "w"):
        pass
