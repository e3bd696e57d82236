"""What is installed into a pack's environment. Pure but for reading the pack's own files."""

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

BASE = (
    "attrs==26.1.0",
    "iniconfig==2.3.1",
    "lxml==6.1.3",
    "networkx==3.6.1",
    "numpy==2.4.6",
    "opencv-python-headless==4.14.0.94",
    "packaging==26.3",
    "pluggy==1.7.0",
    "pygments==2.21.0",
    "pytest==8.4.2",  # pytest-bdd 8.1 does not work with pytest 9
)
"""In every environment, unless the pack asks for another version of one of them."""
STBT_CORE = "stbt_core==34.12.0"
"""Installed without what it requires: it pins old linters, and a build of OpenCV that needs a display."""
FILES = ("requirements.txt", "config/requirements.txt")
"""The first of these in the pack says what it needs beyond."""
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_INCLUDE = re.compile(r"\s*(?:-r|--requirement)[ =]\s*(\S+)")
_ALONE = frozenset({"stbt-core", "stb-tester"})
"""Installed without what they require; the pack's own copy of stbt_core is passed over."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """Lines for ``uv pip install``."""

    python: str
    """A path, or a version such as ``3.12``."""
    usual: tuple[str, ...]
    alone: tuple[str, ...]
    """To be installed without what they require."""

    def key(self) -> str:
        """Names the environment: the same for the same requirements and Python."""
        text = "\n".join((self.python, sys.version, *self.usual, "--no-deps", *self.alone))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def requirements(pack: Path, python: str) -> Requirements:
    """Those of the base, and those of the pack."""
    own = next((_lines(pack / name, []) for name in FILES if (pack / name).is_file()), [])
    names = {_name(line) for line in own}
    base = [line for line in BASE if _name(line) not in names]
    alone = [line for line in own if _name(line) in _ALONE - {"stbt-core"}]
    usual = [line for line in own if _name(line) not in _ALONE]
    return Requirements(python, usual=(*base, *usual), alone=(STBT_CORE, *alone))


def _lines(file: Path, above: list[Path]) -> list[str]:
    """The lines of a requirements file that mean something, and of those that it includes."""
    lines: list[str] = []
    for raw in file.read_text("utf-8", "replace").splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        included = _INCLUDE.fullmatch(line)
        if not included:
            lines += [line] if line else []
        elif (other := file.parent / included[1]) not in (seen := [*above, file]):
            lines += _lines(other, seen)
    return lines


def _name(line: str) -> str:
    """The normalised name of what a line requires (PEP 503); empty for an option."""
    found = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""
