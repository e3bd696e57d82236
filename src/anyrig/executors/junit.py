"""Reads JUnit XML files of any tool, however large and however sloppy, but refuses entities.

A file is read as a stream: one test case is in memory at a time, and no text is kept beyond a limit. What is
no character of XML is dropped before the parser sees it: a terminal's colours must not cost the whole file.
"""

import codecs
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from anyrig.core.errors import BadReport
from anyrig.core.xml_text import legal
from anyrig.executors.junit_cases import Case, case_of, case_of_suite

CASES = 50_000
"""Test cases of one file."""
TEXT = 256 * 1024
"""Characters kept of one element's text."""
ALL_TEXT = 64 * 1024 * 1024
"""Characters kept of all texts of one file."""
_CUT = "\n[…]"
_CHUNK = 64 * 1024
_LONGEST_ESCAPE = 32
_DECLARED = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z][\w.-]*)")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
"""How a file begins -> its encoding; in this order."""
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
_COLOUR = re.compile(r"(?:\x1b|&#0*27;|&#x0*1[Bb];)\[[0-9;?]*[A-Za-z]")


def read_junit(source: bytes | Path) -> tuple[Case, ...]:
    """The test cases of a JUnit file, in its order.

    Raises:
        BadReport: It cannot be read, is not JUnit XML, declares entities, or has more than ``CASES`` cases.
    """
    file = source.name if isinstance(source, Path) else "report"
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
            return _parsed(stream, file)
    except DefusedXmlException:
        raise BadReport(file=file, reason="it declares XML entities, which are refused") from None
    except ParseError as error:
        raise BadReport(file=file, reason=f"it is not well-formed or ends too early ({error})") from error
    except (OSError, UnicodeError) as error:
        raise BadReport(file=file, reason=str(error)) from error


class _Builder(TreeBuilder):
    """Builds the tree, but takes each test case out of it as soon as it is complete."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.cases: list[Case] = []
        self._file = file
        self._suites: list[tuple[str, int]] = []
        self._element_room = TEXT
        self._room = ALL_TEXT

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        tag = tag.rpartition("}")[2]
        if not self._suites and tag not in ("testsuites", "testsuite"):
            raise BadReport(
                file=self._file, reason=f"its first element is '{tag}', not 'testsuites' or 'testsuite'"
            )
        if tag in ("testsuites", "testsuite"):
            self._suites.append((attrs.get("name", ""), len(self.cases)))
        self._element_room = min(TEXT, self._room)
        return super().start(tag, attrs)

    def data(self, data: str, /) -> None:
        room = self._element_room
        self._element_room -= min(room, len(data))
        self._room -= min(room, len(data))
        if room:
            super().data(data if len(data) <= room else data[:room] + _CUT)

    def end(self, tag: str, /) -> Element:
        tag = tag.rpartition("}")[2]
        element = super().end(tag)
        self._element_room = 0
        if tag == "testcase":
            self._take(case_of(element, self._suites[-1][0]))
            element.clear()
        elif tag in ("testsuites", "testsuite"):
            _, before = self._suites.pop()
            self._take(case_of_suite(element, empty=before == len(self.cases)))
        return element

    def _take(self, case: Case | None) -> None:
        if case is not None:
            self.cases.append(case)
        if len(self.cases) > CASES:
            raise BadReport(file=self._file, reason=f"it has more than {CASES} test cases")


def _parsed(stream: BinaryIO, file: str) -> tuple[Case, ...]:
    builder = _Builder(file)
    parser = XMLParser(target=builder)
    with _text(stream) as source:
        for piece in _pieces(source):
            parser.feed(piece)
    parser.close()
    return tuple(builder.cases)


def _text(stream: BinaryIO) -> TextIO:
    """What cannot be decoded becomes U+FFFD: half a word is better than no result."""
    encoding = _encoding(stream.read(512))
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding, errors="replace", newline="")


def _encoding(head: bytes) -> str:
    for begin, encoding in _BOMS.items():
        if head.startswith(begin):
            return encoding
    declared = _DECLARED.match(head)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name.startswith(("utf-16", "utf-32", "utf16", "ucs")):
        return "utf-8"  # the declaration was readable as ASCII, so it is wrong; .NET tools write this
    try:
        io.TextIOWrapper(io.BytesIO(), name)
    except LookupError:
        return "utf-8"
    return name


def _pieces(source: TextIO) -> Iterator[str]:
    """The text in legal pieces; an escape that may go on in the next piece is kept for it."""
    kept = source.read(_CHUNK).lstrip()
    while chunk := source.read(_CHUNK):
        kept += chunk
        cut = max(kept.rfind(begin, -_LONGEST_ESCAPE) for begin in "&\x1b")
        whole = len(kept) if cut < 0 else cut
        yield _legal(kept[:whole])
        kept = kept[whole:]
    yield _legal(kept)


def _legal(text: str) -> str:
    return legal(_REFERENCE.sub(_legal_reference, _COLOUR.sub("", text)))


def _legal_reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return match[0] if code <= sys.maxunicode and legal(chr(code)) else ""
