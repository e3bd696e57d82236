"""What a command prints becomes lines with their time."""

from pathlib import Path

from anyrig.core.build_records import Channel, Level
from anyrig.executors.base import Outcome
from anyrig.executors.live_log import LONGEST_LINE, LiveLog

STAMP = "2015-05-28T14:46:35.000791+00:00 "


class Printed:
    """A reporter at one moment that remembers what was logged."""

    def __init__(self) -> None:
        self.lines = b""

    def started(self, test: str) -> None: ...

    def log(self, lines: bytes) -> None:
        self.lines += lines

    def record(self, channel: Channel, level: Level, message: str) -> None:
        raise AssertionError(channel, level, message)

    async def finished(self, test: str, outcome: Outcome) -> None: ...

    def now(self) -> int:
        return 1_432_824_395_000_791


def logged(tmp_path: Path, pieces: list[bytes], room: int = 1_000_000) -> list[str]:
    printed = Printed()
    with LiveLog(tmp_path / "combined.log", printed, room) as log:
        for piece in pieces:
            log.output(piece)
        log.end()
    assert log.file.read_bytes() == printed.lines
    lines = printed.lines.decode().split("\n")
    assert lines.pop() == ""
    assert all(line.startswith(STAMP) for line in lines)
    return [line.removeprefix(STAMP) for line in lines]


def test_pieces_are_put_together_to_lines(tmp_path: Path) -> None:
    assert logged(tmp_path, [b"o", b"ne\r\nt", b"wo\n", b"\n", b"end"]) == ["one", "two", "", "end"]


def test_a_letter_that_lies_across_two_pieces_is_whole(tmp_path: Path) -> None:
    assert logged(tmp_path, ["ö".encode()[:1], "ö".encode()[1:], b"\n\xf6\n"]) == ["ö", "�"]


def test_a_line_that_is_too_long_is_broken(tmp_path: Path) -> None:
    lines = logged(tmp_path, [b"x" * 40_000, b"y\n"])
    assert [len(line) for line in lines] == [LONGEST_LINE, LONGEST_LINE, 40_001 - 2 * LONGEST_LINE]


def test_a_log_beyond_the_limit_is_cut_but_its_end_is_known(tmp_path: Path) -> None:
    lines = logged(tmp_path, [b"%d\n" % number for number in range(1000)], room=1000)
    assert len(lines) < 35
    assert lines[-1] == "(What is printed beyond 1000 bytes is dropped.)"


def test_the_last_lines_are_without_their_time_and_without_ours(tmp_path: Path) -> None:
    with LiveLog(tmp_path / "combined.log", Printed(), 10) as log:
        log.output(b"".join(b"%d\n" % number for number in range(100)))
        log.output(b"last\n")
        log.note("ours")
    assert log.last() == "\n".join([*map(str, range(61, 100)), "last"])
