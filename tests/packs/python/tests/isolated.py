"""No test sees what another one did."""

import os
import random
import tempfile

import numpy
import pytest

seen = []


@pytest.fixture(scope="module")
def once():
    seen.append("set up")
    yield
    print("torn down")


def test_one(once):
    assert seen == ["set up"]
    seen.append("one")
    os.environ["SEEN"] = "1"
    open(os.path.join(tempfile.gettempdir(), "seen"), "w").close()


def test_two(once):
    assert seen == ["set up"]
    assert "SEEN" not in os.environ
    assert not os.listdir(tempfile.gettempdir())


def test_random():
    print("random", random.random(), numpy.random.random())
