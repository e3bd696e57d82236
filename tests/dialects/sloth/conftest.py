"""A live farm as a server of Sloth CI, and the admin at the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import free_port
from sci_client import Sci, installed
from sloth_farm import Sloth, running


@pytest.fixture(scope="session")
def sloth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sloth]:
    with running(tmp_path_factory.mktemp("sloth"), 0) as made:
        yield made


@pytest.fixture
def own_sloth(tmp_path: Path) -> Iterator[Sloth]:
    """One that may be stopped and started again: its port stays the same."""
    with running(tmp_path, free_port()) as made:
        yield made


@pytest.fixture(scope="session")
def sci_programs() -> Path:
    return installed()


@pytest.fixture
def sci(sci_programs: Path, sloth: Sloth, tmp_path: Path) -> Sci:
    """The admin at the command line."""
    return sloth.sci(sci_programs, tmp_path)
