"""Libraries that others would load only because they are installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unneeded(library: str) -> Iterator[None]:
    """Within the block, a library that is not loaded yet counts as not installed.

    What others load only because it is there costs us time and memory at every start.
    """
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]  # the import system takes it so
    try:
        yield
    finally:
        del sys.modules[library]
