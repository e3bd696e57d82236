"""One test a verdict."""


def test_that_passes():
    assert 1 + 1 == 2


def test_that_fails():
    assert 1 + 1 == 3, "EPG is empty: é"


def test_that_errs():
    raise RuntimeError("there is no video")
