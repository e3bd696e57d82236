"""Finds the module ``stbt`` for packs whose environment has none."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

_FILE = Path(__file__).with_name("open_stbt.py")


class Fallback:
    """Asked when nobody else has found a module."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_file_location(name, _FILE) if name == "stbt" else None


def offer() -> None:
    """From now on."""
    sys.meta_path.append(Fallback)
