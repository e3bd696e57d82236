"""What the elements of a JUnit file say: one line for the reason, the rest for the traceback."""

import re
from xml.etree.ElementTree import Element

REASON = 500
"""Characters of a reason or a name."""
TRACEBACK = 60_000
"""Characters of one traceback; what is more is left out in its middle."""
_SAYS_NOTHING = re.compile(r"\s*((failed|failure|error)\s*|=== \w+ .*|--- (FAIL|SKIP): .*)?", re.IGNORECASE)
"""A line that gives no reason: ``message="Failed"``, and the frame of ``go test`` around its output."""
_ANNOUNCES = re.compile(r".*:\s*|\S+:\d+\s*")
"""``Parent suite setup failed:`` of Robot Framework, ``basket_test.cc:10`` of GoogleTest."""
_ANNOUNCED = 4
_PYTHON = "Traceback (most recent call last):"


def one_line(text: str) -> str:
    """The text with all white space as single blanks, at most ``REASON`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= REASON else line[: REASON - 1] + "…"


def reason_of(element: Element) -> str:
    """The first line of the element's message, else of its text, else its type, that says something."""
    for source in (element.get("message", ""), _text(element), element.get("type", "")):
        lines = [line for line in source.splitlines() if not _SAYS_NOTHING.fullmatch(line)]
        if lines:
            return _first(lines)
    return "no reason is given"


def trace_of(element: Element) -> str:
    """The element's text, after its message if the text does not repeat it; may be empty."""
    text, message = _text(element), element.get("message", "").strip()
    new = any(line.strip() not in text for line in message.splitlines() if not _SAYS_NOTHING.fullmatch(line))
    return _shortened(f"{message}\n{text}".rstrip() if new else text)


def _text(element: Element) -> str:
    """Surefire puts the trace of a repeated run into an element of its own."""
    parts = (element.text or "", element.findtext("stackTrace") or "")
    return "\n".join(part.strip("\r\n").rstrip() for part in parts if part.strip())


def _first(lines: list[str]) -> str:
    """A line that only announces what follows, or only says where, is joined with the next."""
    if lines[0].strip() == _PYTHON:
        return one_line(lines[-1])
    told = next((at for at, line in enumerate(lines[:_ANNOUNCED]) if not _ANNOUNCES.fullmatch(line)), 0)
    return one_line(" ".join(lines[: told + 1]))


def _shortened(text: str) -> str:
    left_out = len(text) - TRACEBACK
    if left_out <= 0:
        return text
    half = TRACEBACK // 2
    return f"{text[:half]}\n[… {left_out} characters left out …]\n{text[-half:]}"
