"""The one door to stdout, and errors to stderr."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

_GAP = "  "


def line(text: str = "") -> None:
    """A line for people, or for a shell."""
    print(text, flush=True)  # noqa: T201 - this is the door


def raw(data: bytes) -> None:
    """Bytes as they are: a log."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def json(value: Any) -> None:
    """For programs: one JSON value on a line of its own."""
    from msgspec.json import encode  # noqa: PLC0415 - it takes time to load

    raw(encode(value) + b"\n")


def error(text: str) -> None:
    """One sentence on stderr."""
    print(f"anyrig: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is the other door


def note(text: str) -> None:
    """What is good to know and no part of the answer, on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - as above


def is_terminal() -> bool:
    return sys.stdout.isatty()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns under headings: as wide as the terminal, or as wide as they are when nobody looks."""
    listed = [list(row) for row in rows]
    if is_terminal():
        _rich_table(columns, listed)
    else:
        _plain_table(columns, listed)


def csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """RFC 4180, with a line of names."""
    import csv as library  # noqa: PLC0415 - only for those who ask for it

    writer = library.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def _plain_table(columns: Sequence[str], rows: list[list[str]]) -> None:
    every = [[name.upper() for name in columns], *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(columns))]
    for row in every:
        line(_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(columns: Sequence[str], rows: list[list[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for a terminal
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console().print(shown)


STYLES = {
    "pass": "green",
    "fail": "red",
    "error": "yellow",
    "running": "cyan",
    "online": "green",
    "offline": "red",
    "lost": "red",
}
"""Colours of words that stand alone in a cell."""
