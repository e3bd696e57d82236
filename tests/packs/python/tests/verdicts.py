"""Every way in which a test can end by itself."""

import os
import signal
import sys

import pytest
import stbt_core
from checks import check


def test_that_passes():
    assert 1 + 1 == 2


def test_bare_assert():
    channels = []
    assert channels == ["BBC One"]


def test_assert_over_two_lines():
    channels = []
    assert (
        len(channels) == 1
    )


def test_assert_with_message():
    assert not [1], "EPG is blank"


def test_raised_assertion():
    raise AssertionError("raised by hand")


def test_assert_in_a_module():
    check(3)


def test_match_timeout():
    raise stbt_core.MatchTimeout(None, "logo.png", 10)


def test_pytest_fail():
    pytest.fail("that is not it")


def test_other_exception():
    {}["key"]


def test_exception_without_text():
    raise ValueError


def test_exception_that_cannot_be_printed():
    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError("no")

    raise Nasty


def test_precondition():
    raise stbt_core.PreconditionError("no video", None)


def test_chained():
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("cannot tune") from error


def test_strange_text():
    raise RuntimeError("nul \0, surrogate \udcff, é")


def test_system_exit():
    sys.exit(3)


def test_keyboard_interrupt():
    raise KeyboardInterrupt


def test_pytest_exit():
    pytest.exit("enough")


def test_skip():
    pytest.skip("not on this box")


@pytest.mark.xfail(reason="known")
def test_xfail():
    assert False


@pytest.mark.xfail(strict=True, reason="known")
def test_strict_xpass():
    pass


def test_os_exit():
    os._exit(0)


def test_segfault():
    import ctypes

    print("just before", end="", flush=True)
    ctypes.string_at(0)


def test_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_device():
    stbt_core.get_frame()


@pytest.fixture
def broken():
    assert False, "no lock"


def test_broken_fixture(broken):
    pass


@pytest.fixture
def broken_afterwards():
    yield
    raise RuntimeError("cannot clean up")


def test_broken_teardown(broken_afterwards):
    pass


def test_fails_and_broken_teardown(broken_afterwards):
    assert False, "the first"


@pytest.mark.parametrize("channel", [1, 2, 3])
def test_channel(channel):
    print("channel", channel)
    assert channel != 2


class TestMenu:
    def test_opens(self, tmp_path):
        (tmp_path / "x").write_text("x")

    def test_fails(self):
        assert False, "closed"
