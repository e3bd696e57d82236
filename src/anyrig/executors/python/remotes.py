"""The remote control of a task, as its test pack describes it."""

from pathlib import Path

from anyrig.core.devices import Remote
from anyrig.core.errors import Invalid
from anyrig.core.remote_controls import FOLDER, KEYMAP, LIRC, is_plain, remote_from

_LONGEST = 1 << 20


def remote(name: str, pack: Path) -> Remote:
    """The remote control of that name; one without a name has no keys of its own.

    Raises:
        Invalid: The pack has no such remote control, or its file makes no sense.
    """
    if not name:
        return Remote()
    keymap, lirc = (_text(pack, f"{name}{ending}") for ending in (KEYMAP, LIRC))
    return remote_from(name, keymap, lirc, [file.name for file in (pack / FOLDER).glob("*")])


def _text(pack: Path, name: str) -> str | None:
    """None when there is no such file in the folder itself; links may lead to elsewhere in the pack."""
    if not is_plain(name):
        return None
    file = (pack / FOLDER / name).resolve()
    if not (file.is_relative_to(pack.resolve()) and file.is_file()):
        return None
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(reason=f"{FOLDER}/{name} cannot be read: {error}") from error
    if len(text) > _LONGEST:
        raise Invalid(reason=f"{FOLDER}/{name} is longer than {_LONGEST} characters")
    return text
