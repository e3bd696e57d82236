"""Names of the tests of a test pack, as clients write them: ``tests/menu.py::test_that_menu_opens``."""

from collections.abc import Mapping

from anyrig.core.errors import BadField

MAX_LENGTH = 1000
"""Characters of a name."""
_SHOWN = 60


def file_of(field: str, name: str) -> str:
    """The file that a test is in, relative to the root of its pack.

    What stands behind the ``::`` is any printable text: classes and parameters are names, too.

    Raises:
        BadField: It is not the name of a test in a Python file; ``field`` says where it was written.
    """
    file, _, function = name.partition("::")
    well_formed = file.endswith(".py") and not {"", ".", ".."} & set(file.split("/"))
    if not (well_formed and function.strip() and name.isprintable() and len(name) <= MAX_LENGTH):
        reason = f"{name[:_SHOWN]!r} is not the name of a test, such as 'tests/menu.py::test_menu'"
        raise BadField(field=field, reason=reason)
    return file


def in_place(name: str, places: Mapping[str, str]) -> str:
    """The test's name with its file's place in the pack."""
    file, colons, function = name.partition("::")
    return places[file] + colons + function
