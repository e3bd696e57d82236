"""Secrets are replaced wherever people would read them."""

import pytest

from anyrig.core.masking import Mask

STAMP = b"2015-05-28T14:46:35.000791+00:00 "


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    mask = Mask(["hunter2", "grüße"])
    assert mask.text("xhunter2x hunter2 grüße \ud800") == "x********x ******** ******** \ud800"
    assert mask.data("grüße\xff".encode("latin-1")) == "grüße\xff".encode("latin-1")


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Mask(["abcd", "abcdef"]).text("abcdef abcdx") == "******** ********x"


@pytest.mark.parametrize("secret", ["", "abc", "a\nb\nc", "    ", "ab \n cd"])
def test_what_is_too_short_is_not_looked_for(secret: str) -> None:
    assert Mask([secret]).text("abc a b c      ab cd") == "abc a b c      ab cd"


def test_each_line_of_a_secret_is_hidden_by_itself() -> None:
    mask = Mask(["-----BEGIN-----\r\nabcdefg\n  indented \n"])
    assert mask.text("abcdefg") == mask.text("indented") == "********"


def test_special_characters_mean_themselves() -> None:
    assert Mask(["a.*\\d("]).text("a.*\\d( abcd(") == "******** abcd("


def test_the_times_of_log_lines_stay_as_they_are() -> None:
    mask = Mask(["2015", "00:00"])
    lines = STAMP + b"in 2015\n" + STAMP + b"nothing\n" + STAMP + b"\n" + STAMP + b"00:00"
    stars = b"********"
    expected = STAMP + b"in " + stars + b"\n" + STAMP + b"nothing\n" + STAMP + b"\n" + STAMP + stars
    assert mask.stamped(lines) == expected
