"""What a test pack says of remote controls, in ``config/remote-control/``.

``NAME.keymap`` has a key in each line, and what the device's control calls it: ``KEY_OK Return``. What stands
after ``#`` is a comment. ``NAME.lircd.conf`` is in lircd's own syntax.
"""

from collections.abc import Iterable

from anyrig.core.devices import Remote
from anyrig.core.errors import Invalid

FOLDER = "config/remote-control"
KEYMAP, LIRC = ".keymap", ".lircd.conf"
NEED_NO_FILE = frozenset({"", "adb", "android", "browser", "cec", "none", "roku_http", "x11"})
"""Ways to press keys that stand for themselves; a pack may describe their keys nevertheless."""


def is_plain(name: str) -> bool:
    """Whether the files of a remote control of that name are in the folder itself."""
    return "/" not in name and "\0" not in name


def remote_from(
    name: str, keymap: str | None, lirc: str | None, known: Iterable[str] | None = None
) -> Remote:
    """The remote control, of the texts of its files; None for a file that the pack does not have.

    ``known``: the names of the files in the folder, for the sentence when none is of this remote control.

    Raises:
        Invalid: The pack has no such remote control, or its keymap makes no sense.
    """
    if keymap is None and lirc is None and name not in NEED_NO_FILE:
        others = "" if known is None else f"; {_others(known)}"
        raise Invalid(reason=f"there is no remote control '{name}' in the test pack{others}")
    return Remote(name, _keys(keymap or "", f"{FOLDER}/{name}{KEYMAP}"), lirc or "")


def _others(files: Iterable[str]) -> str:
    mine = [file for file in files if file.endswith((KEYMAP, LIRC))]
    names = sorted({file.removesuffix(KEYMAP).removesuffix(LIRC) for file in mine})
    return f"those in {FOLDER} are {', '.join(names)}" if names else f"there is none in {FOLDER}"


def _keys(text: str, file: str) -> dict[str, str]:
    keys = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].split(maxsplit=1)
        if len(line) == 1:
            raise Invalid(reason=f"{file}, line {number}: '{line[0]}' stands for nothing")
        if line:
            keys[line[0]] = line[1].strip()
    return keys
