"""What actions print is kept for their records, and cut where no harm is done."""

import re
from pathlib import Path

import pytest
from building import Told, unstamped
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.masking import Mask
from anyrig.executors.build.printed import Kept, Printed
from anyrig.executors.build.voice import Voice
from anyrig.executors.live_log import LONGEST_LINE, LiveLog

SECRET = "hunter2-hunter2-hunter2"
LEFT = re.compile(r"\n\(… (\d+) bytes are left out here; the job's log has them …\)\n")


def heard(folder: Path, *pieces: bytes) -> tuple[str, list[str], Printed]:
    """What is recorded of some output, and the lines of the log."""
    told = Told()
    with LiveLog(folder / "combined.log", told, mask=Mask([SECRET])) as log:
        printed = Printed(Voice(told, Mask([SECRET]), log))
        for piece in pieces:
            printed.output.hear(piece)
        printed.end()
    return printed.output.text(), unstamped(told.lines).splitlines(), printed


def test_pieces_are_put_together(tmp_path: Path) -> None:
    text, lines, printed = heard(tmp_path, b"o", b"ne\r\nt", b"wo\n\n", b"end")
    assert text == "one\r\ntwo\n\nend"
    assert lines == ["one", "two", "", "end"]
    assert printed.last() == "one\ntwo\n\nend"


def test_a_letter_across_two_pieces_is_whole_and_another_byte_is_an_escape(tmp_path: Path) -> None:
    text, lines, _ = heard(tmp_path, "ö".encode()[:1], "ö".encode()[1:], b"\n\xf6\n")
    assert text == "ö\n\\xf6\n"
    assert lines == ["ö", "\\xf6"]


@pytest.mark.parametrize("before", range(LONGEST_LINE - 30, LONGEST_LINE + 30, 3))
@pytest.mark.parametrize("split", [1, 12, 22])
def test_no_part_of_a_secret_gets_out_of_a_long_line(tmp_path: Path, before: int, split: int) -> None:
    text, lines, _ = heard(tmp_path, b"x" * before + SECRET[:split].encode(), f"{SECRET[split:]}yy".encode())
    assert text == f"{'x' * before}********yy"
    assert "".join(lines) == text


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("letter", ["ö", "€", "𝄞"])
def test_a_long_line_is_not_cut_within_a_letter(tmp_path: Path, before: int, letter: str) -> None:
    line = "x" * before + letter * 30_000
    text, lines, _ = heard(tmp_path, line.encode())
    assert "".join(lines) == line
    assert "\\x" not in text
    assert len(lines) > 3


def test_a_long_line_without_letters_is_cut_anyway(tmp_path: Path) -> None:
    _, lines, _ = heard(tmp_path, b"\x80" * 20_000)
    assert "".join(lines) == "\\x80" * 20_000


@given(sizes=st.lists(st.integers(0, 50_000), max_size=8))
def test_of_a_long_text_the_ends_are_kept(sizes: list[int]) -> None:
    kept = Kept()
    whole = ""
    for number, size in enumerate(sizes):
        kept.add(str(number).encode() * size)
        whole += str(number) * size
    head, *rest = LEFT.split(kept.text())
    if len(whole) <= 60_000:
        assert (head, rest) == (whole, [])
    else:
        assert (head, rest[1]) == (whole[:30_000], whole[-30_000:])
        assert int(rest[0]) == len(whole) - 60_000


def test_the_ends_of_a_long_text_begin_and_end_with_whole_letters() -> None:
    kept = Kept()
    kept.add(b"x" + "ö".encode() * 100_000)
    head, left, tail = LEFT.split(kept.text())
    assert head == "x" + "ö" * 14_999
    assert (tail, left) == ("ö" * 15_000, str(200_001 - 60_000))


def test_the_last_lines_are_those_of_both_streams_and_of_this_action_alone(tmp_path: Path) -> None:
    told = Told()
    with LiveLog(tmp_path / "combined.log", told) as log:
        voice = Voice(told, Mask(), log)
        first = Printed(voice)
        first.output.hear(b"before\n")
        assert first.last() == "before"
        second = Printed(voice)
        second.error.hear(b"one\n")
        second.output.hear(b"two\nthree")
        second.end()
        assert second.last() == "one\ntwo\nthree"
        assert Printed(voice).last() == ""
