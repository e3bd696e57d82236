"""Make forks quick, and get the memory of a child ready before it is needed.

After a fork the child shares all memory with its parent, and each page that it writes to, or whose code it
runs, costs a fault of some microseconds when it first does so: a thousand of them for a test that does
nothing, which is more than half of its time. The pages are the same for each child. So the first one notes
which they were, and each later one has the kernel make them ready in one go while it waits for its test.

The fork itself, and the end of the child, take as long as there are pages, so the parent has its memory put
into huge ones first. Together this halves the time of a test that does nothing. Where the kernel cannot do
it, or does not let us, nothing is lost but that.
"""

import ctypes
import mmap
import os
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_READ, _WRITE = 22, 23
"""MADV_POPULATE_READ and MADV_POPULATE_WRITE of madvise(2), Linux 5.14."""
_COLLAPSE = 25
"""MADV_COLLAPSE, Linux 6.1."""
_HUGE = 1 << 21
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRESENT, _OF_FILE, _OURS = 1 << 63, 1 << 61, 1 << 56
"""Bits of /proc/pid/pagemap: in memory; of a file; mapped by no other process."""
_BOARD = 1 << 18
_MOST = 1 << 14
"""More pages than that (64 MB) are the needs of one test, not of all."""
_AT_ONCE = 96
"""Three for each run of pages: takes about a third of a millisecond."""

Run = tuple[int, int, int]
"""Pages in a row: the first one's number, how many, and how they were used."""


class Pages:
    """What the children of one collector need. Made before they are forked: they share the note."""

    def __init__(self) -> None:
        self._board = mmap.mmap(-1, _BOARD)

    def learn(self) -> None:
        """Note which pages this process has used since it was forked, unless that is known."""
        if self._known():
            return
        with suppress(OSError):  # the kernel may not let us look
            runs = list(_used())
            data = array("Q", (number for run in runs for number in run)).tobytes()
            if sum(length for _, length, _ in runs) <= _MOST and len(data) < _BOARD - 8:
                self._board[8 : 8 + len(data)] = data
                self._board[:8] = len(data).to_bytes(8, "little")

    def make_ready(self, until: Callable[[], bool]) -> None:
        """Have them made ready for this process, ``until`` there is something better to do.

        Pages that have gone meanwhile are passed over.
        """
        numbers = array("Q", self._board[8 : 8 + self._known()])
        for at in range(0, len(numbers), 3):
            if at % _AT_ONCE == 0 and until():
                break
            _madvise(numbers[at] * _PAGE, numbers[at + 1] * _PAGE, numbers[at + 2])

    def _known(self) -> int:
        return int.from_bytes(self._board[:8], "little")


def join() -> None:
    """Put the memory of this process into huge pages, as far as it fills them: some ten milliseconds."""
    for start, end, rights, name in _mapped():
        if rights == "rw-p" and name in {"", "[heap]"}:
            for address in range(-(-start // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE):
                _madvise(address, _HUGE, _COLLAPSE)


def _madvise(address: int, length: int, advice: int) -> None:
    ctypes.pythonapi.madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), advice)


def _mapped() -> list[tuple[int, int, str, str]]:
    """Of each part of our memory its first address, the one after its last, rights, and name or nothing."""
    parts = []
    for line in Path("/proc/self/maps").read_text("utf-8", "replace").splitlines():
        span, rights, *rest = line.split(maxsplit=5)
        start, end = (int(address, 16) for address in span.split("-"))
        parts.append((start, end, rights, rest[3] if rest[3:] else ""))
    return parts


def _used() -> Iterator[Run]:
    """Pages of files that are mapped here, which no fork copies; and of memory those that are ours alone."""
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        for start, end, rights, name in _mapped():
            if rights[0] == "r" and rights[3] == "p" and not name.startswith("[v"):
                first, count = start // _PAGE, (end - start) // _PAGE
                states = array("Q", os.pread(pagemap.fileno(), count * 8, first * 8))
                yield from _runs(first, [_advice(state, rights[1] == "w") for state in states])


def _advice(state: int, writable: bool) -> int:
    if not state & _PRESENT:
        return 0
    if state & _OF_FILE or not writable:
        return _READ
    return _WRITE if state & _OURS else 0


def _runs(first: int, advices: list[int]) -> Iterator[Run]:
    """Neighbours that are used in the same way, together; pages that are not used are left out."""
    start = 0
    for at, advice in enumerate([*advices[1:], -1], start=1):
        if advice != advices[start]:
            if advices[start]:
                yield first + start, at - start, advices[start]
            start = at
