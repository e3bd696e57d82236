"""Finds the names of tests in Python source without importing it.

Also a program, run as ``python names.py``: it reads files from stdin and answers their tests on stdout, so
that a file that takes the parser's time, or its life, takes none of the server's. Standard library only.
"""

import ast
import re
import symtable
import sys
from collections.abc import Iterable, Iterator
from typing import cast

_DEF = re.compile(rb"^def[^\S\n]+(test_[a-zA-Z0-9_]*)", re.MULTILINE)
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def may_hold_tests(source: bytes) -> bool:
    """Whether it is worth parsing. False only if no encoding and no spelling can hide a ``test_`` in it."""
    return b"test_" in source or b"coding" in source or not source.isascii()


def names_in(source: bytes) -> list[str]:
    """``test_x``, ``TestA::test_y`` … in the order of the source, each once.

    Those are the functions, async or not, of the module and of its ``Test*`` classes, also where they stand
    in an ``if``, ``try`` or the like. A file that Python cannot parse gives the lines that look like a test,
    as the clients of stb-tester do it.
    """
    try:
        names = _of_table(symtable.symtable(cast(str, source), "test", "exec"))
        return list(dict.fromkeys(names))
    except _UNPARSABLE:
        return _of_tree(source)


def names_by_line(source: bytes) -> list[str]:
    """The tests that a line-by-line look finds."""
    return list(dict.fromkeys(name.decode() for name in _DEF.findall(source)))


def _of_table(block: symtable.SymbolTable, prefix: str = "") -> Iterator[str]:
    """The compiler's own table of scopes: as exact as its syntax tree, and made in two thirds of the time."""
    for child in sorted(block.get_children(), key=symtable.SymbolTable.get_lineno):
        name, kind = child.get_name(), child.get_type()
        if kind == "function" and name.startswith("test_"):
            yield prefix + name
        elif kind == "class" and name.startswith("Test"):
            yield from _of_table(child, f"{prefix}{name}::")
        elif kind.startswith("type param"):  # the scope around `def f[T]()`
            yield from _of_table(child, prefix)


def _of_tree(source: bytes) -> list[str]:
    """For what the table refuses though it parses (a ``global`` after its use), and for what does not."""
    try:
        return list(dict.fromkeys(_of_statements(ast.parse(source).body)))
    except _UNPARSABLE:
        return names_by_line(source)


def _of_statements(statements: Iterable[ast.AST], prefix: str = "") -> Iterator[str]:
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test_"):
                yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            if node.name.startswith("Test"):
                yield from _of_statements(node.body, f"{prefix}{node.name}::")
        else:
            for block in _BLOCKS:
                yield from _of_statements(getattr(node, block, ()), prefix)


def main() -> None:
    """Answer until stdin ends. Both ways a message is its size in bytes, a newline, and so many bytes."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while size := stdin.readline():
        answer = " ".join(names_in(stdin.read(int(size)))).encode()
        stdout.write(b"%d\n%b" % (len(answer), answer))
        stdout.flush()


if __name__ == "__main__":
    main()
