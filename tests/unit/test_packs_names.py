"""The names of tests in a file are exactly those that Python's own syntax tree shows."""

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.packs.names import may_hold_tests, names_by_line, names_in

FUNCTIONS = ("test_a", "test_b", "helper", "Test_c", "test", "test_é")
CLASSES = ("TestA", "TestB", "Menu", "test_class")
PLAIN = (
    "x = 1",
    '"""def test_in_a_string(): pass"""',
    "'''\ndef test_at_column_0():\n    pass\n'''",
    "f = lambda: [test_x for test_x in range(3)]",
    "y = (\n  1,\n  2)",
    "z = 1; w = 2",
    "text = 'a' \\\n  'b'",
    "# def test_in_a_comment(): pass",
)
OPENERS = (
    "if x:",
    "for i in x:",
    "while x:",
    "with x:",
    "try:\n{}\nexcept E:\n{}\nelse:\n{}\nfinally:",
    "if x:\n{}\nelif y:\n{}\nelse:",
    "match x:\n case 1:\n{}\n case _:",
)


def according_to_ast(source: bytes) -> list[str]:
    """A test is below nothing but the module, its Test* classes, and statements that are no definition."""
    found: list[tuple[int, str]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                if child.name.startswith("test_"):
                    found.append((child.lineno, prefix + child.name))
            elif not isinstance(child, ast.ClassDef):
                visit(child, prefix)
            elif child.name.startswith("Test"):
                visit(child, f"{prefix}{child.name}::")

    visit(ast.parse(source), "")
    return list(dict.fromkeys(name for _, name in sorted(found, key=lambda pair: pair[0])))


def indented(text: str, depth: int) -> str:
    return textwrap.indent(text, " " * depth)


def definitions(block: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    heads = st.one_of(
        st.sampled_from(FUNCTIONS).map("def {}(a=lambda: 1): # note".format),
        st.sampled_from(FUNCTIONS).map("@deco(lambda: [i for i in x])\nasync def {}():".format),
        st.sampled_from(CLASSES).map("@deco\nclass {}(object):".format),
    )
    return st.tuples(heads, block).map(lambda pair: f"{pair[0]}\n{indented(pair[1], 3)}")


def compounds(block: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(parts: tuple[str, list[str]]) -> str:
        opener, (first, second, third, last) = parts
        head = opener.format(*(indented(part, 2) for part in (first, second, third)))
        return f"{head}\n{indented(last, 2)}"

    return st.tuples(st.sampled_from(OPENERS), st.lists(block, min_size=4, max_size=4)).map(build)


def blocks(statement: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(statement, min_size=1, max_size=3).map("\n".join)


# A string that spans lines must not be indented together with what is around it.
SIMPLE = st.sampled_from([line for line in PLAIN if "\n" not in line and not line.startswith("#")])
NESTED = st.recursive(
    blocks(SIMPLE), lambda block: blocks(definitions(block) | compounds(block) | SIMPLE), max_leaves=12
)
MODULES = st.lists(NESTED | st.sampled_from(PLAIN), max_size=6).map("\n".join)


@given(MODULES)
def test_the_names_are_those_of_the_syntax_tree(source: str) -> None:
    names = according_to_ast(source.encode())
    assert names_in(source.encode()) == names
    assert may_hold_tests(source.encode()) or not names


ODD = {
    "a byte order mark": b"\xef\xbb\xbfdef test_a(): pass\n",
    "another encoding": b"# coding: latin-1\nx = '\xe9'\ndef test_\xe9(): pass\n",
    "an encoding that hides the name": b"# coding: utf-7\ndef te+AHM-t_a(): pass\n",
    "letters that are normalised": "def \uff54est_a(): pass\n".encode(),
    "line ends of other systems": b"def test_a():\r\n  pass\r\ndef test_b(): pass\rdef test_c(): pass",
    "a form feed": b"\x0cdef test_a(): pass\n",
    "a continued line": b"def \\\n  test_a(): pass\n",
    "tabs": b"if x:\n\tdef test_a(): pass\n",
    "no line end": b"def test_a(): pass",
    "nothing": b"",
    "a global after its use": b"def test_a():\n x = 1\n global x\nclass TestB:\n  def test_c(s): 1\n",
    "the same name twice": b"if x:\n def test_a(): pass\nelse:\n def test_a(): pass\n",
    "handlers before else": b"try: pass\nexcept E:\n def test_a(): pass\nelse:\n def test_b(): pass\n",
    "return at top level": b"def test_a(): pass\nreturn 1\n",
    "a soft keyword": b"match = 1\ndef test_a(): pass\nmatch x:\n case [1, *_]:\n  def test_b(): pass\n",
    "nested classes": b"class TestA:\n class TestB:\n  async def test_c(): 1\n class N:\n  def test_d(): 1\n",
    "a class in a function": b"def test_a():\n class TestB:\n  def test_c(self): pass\n",
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD.keys())
def test_odd_files_are_read_as_python_reads_them(source: bytes) -> None:
    assert names_in(source) == according_to_ast(source)
    assert may_hold_tests(source) or not according_to_ast(source)


BROKEN = b'''"""
def test_in_a_docstring():
"""
def test_a(:
  def test_nested(): pass
def  test_b():
class TestC:
    def test_d(self): pass
'''


def test_a_file_with_a_syntax_error_gives_the_lines_that_look_like_tests() -> None:
    assert names_in(BROKEN) == ["test_in_a_docstring", "test_a", "test_b"] == names_by_line(BROKEN)


@pytest.mark.parametrize(
    "source",
    [b"def test_a(): pass\n\0", b"# coding: nonsense\ndef test_a(): pass\n", b"def test_a(): '\xe9'\n"],
    ids=["a null byte", "an unknown encoding", "bytes that are not UTF-8"],
)
def test_a_file_that_is_no_python_text_is_read_line_by_line(source: bytes) -> None:
    assert names_in(source) == ["test_a"]


def test_a_file_nested_too_deeply_for_the_parser_is_read_line_by_line() -> None:
    assert names_in(b"def test_a(): pass\nx = " + b"-" * 100_000 + b"1\n") == ["test_a"]
