"""What an exception says about a test: verdict, reason and traceback."""

import ast
import importlib
import linecache
import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _pytest
import pluggy
import pytest

from anyrig.executors.python.inside.pictures import shown_by

PASS, FAIL, ERROR = "pass", "fail", "error"
_REASON = 4000
_TRACEBACK = 30_000
"""Longer texts are cut in the middle to this many characters."""
_HEADING = "Traceback (most recent call last):"
_HIDDEN = (
    *(f"{folder}/" for module in (_pytest, pluggy, pytest) for folder in module.__path__),
    f"{Path(__file__).parent}/",
    "<frozen importlib",
)
"""Files that begin so are pytest's, ours, and Python's own: of no use to a test's author."""


@dataclass(frozen=True)
class Finding:
    """What one phase of one test showed."""

    verdict: str
    reason: str | None = None
    traceback: str | None = None
    title: str = ""
    """The class of the exception, for the log."""
    screenshot: Any = field(default=None, compare=False, repr=False)
    """See ``shown_by``."""


class Interrupted(BaseException):
    """SIGTERM: the test has to end now. Its traceback shows where it was."""

    __module__ = "builtins"  # so that a traceback has its bare name


def of_call(error: BaseException, root: str) -> Finding:
    """An exception that left the test's own function.

    An AssertionError or a UITestFailure (MatchTimeout, MotionTimeout) says that the product is wrong,
    anything else that the test could not tell: as ``stbt run`` of stb-tester has it. ``pytest.fail`` is a
    failure too.
    """
    failures = (AssertionError, pytest.fail.Exception, importlib.import_module("_stbt.types").UITestFailure)
    return _finding(FAIL if isinstance(error, failures) else ERROR, error, root)


def of_surroundings(error: BaseException, root: str) -> Finding:
    """An exception of a fixture, an import, a plugin: the test could not tell."""
    return _finding(ERROR, error, root)


def _finding(verdict: str, error: BaseException, root: str) -> Finding:
    return Finding(
        verdict=verdict,
        reason=shortened(reason(error), _REASON),
        traceback=shortened(story(error, root), _TRACEBACK),
        title=type(error).__name__,
        screenshot=shown_by(error),
    )


def reason(error: BaseException) -> str:
    """The exception's text; the source of an ``assert`` without message; its class when it says nothing."""
    text = _text(error)
    statement = _assert_statement(error)
    if statement:
        source, has_message = statement
        text = text.split("\nassert ")[0] if has_message else source  # pytest adds the values that it saw
    if not text or isinstance(error, SystemExit | KeyboardInterrupt):
        return f"{type(error).__name__}: {text}".removesuffix(": ")
    return text


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is the test's own code, and this is about the test's own exception
        return f"<unprintable {type(error).__name__} object>"


def _assert_statement(error: BaseException) -> tuple[str, bool] | None:
    """The source of the ``assert`` that raised this, and whether it has a message; None: it was no assert."""
    trace = error.__traceback__
    if not isinstance(error, AssertionError) or trace is None:
        return None
    while trace.tb_next:
        trace = trace.tb_next
    source = "".join(linecache.getlines(trace.tb_frame.f_code.co_filename))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= trace.tb_lineno <= (node.end_lineno or 0):
            return _one_line(ast.get_source_segment(source, node) or ""), node.msg is not None
    return None


def _one_line(code: str) -> str:
    return " ".join(line.strip() for line in code.splitlines())


def story(error: BaseException, root: str) -> str:
    """``Traceback (most recent call last): …`` without our frames and pytest's.

    Files of the pack have their names relative to ``root``.
    """
    summary = traceback.TracebackException.from_exception(error)
    for part in _chain(summary):
        part.stack = traceback.StackSummary.from_list(
            [_frame(frame, root) for frame in part.stack if not _is_hidden(frame.filename)]
        )
        if isinstance(getattr(part, "filename", None), str):  # of a SyntaxError
            part.filename = _relative(part.filename, root)
    text = "".join(summary.format())
    return text if "Traceback (most recent call last):" in text else f"{_HEADING}\n{text}"


def _chain(summary: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """The exception, its causes and contexts, and those of a group."""
    yield summary
    for other in (summary.__cause__, summary.__context__, *(getattr(summary, "exceptions", None) or ())):
        if other is not None:
            yield from _chain(other)


def _frame(frame: traceback.FrameSummary, root: str) -> traceback.FrameSummary:
    name = _relative(frame.filename, root)
    return traceback.FrameSummary(name, frame.lineno, frame.name, lookup_line=False, line=frame.line)


def _is_hidden(filename: str) -> bool:
    return filename.startswith(_HIDDEN)


def _relative(filename: str, root: str) -> str:
    return filename.removeprefix(root + os.sep)


def shortened(text: str, limit: int) -> str:
    """About ``limit`` characters, the middle left out; nothing that UTF-8 or a database cannot hold."""
    text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n…\n{text[-limit // 2 :]}"
