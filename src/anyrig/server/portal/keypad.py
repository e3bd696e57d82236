"""The remote control of a node's page."""

Key = tuple[str, str]
_NOTHING: Key = ("", "")

KEYPAD: tuple[tuple[Key, ...], ...] = (
    (("KEY_HOME", "Home"), ("KEY_UP", "▲"), ("KEY_MENU", "Menu")),
    (("KEY_LEFT", "◀"), ("KEY_OK", "OK"), ("KEY_RIGHT", "▶")),
    (("KEY_BACK", "Back"), ("KEY_DOWN", "▼"), ("KEY_EPG", "Guide")),
    (("KEY_REWIND", "◀◀"), ("KEY_PLAYPAUSE", "▶ ❚❚"), ("KEY_FASTFORWARD", "▶▶")),
    (("KEY_VOLUMEUP", "Vol +"), ("KEY_MUTE", "Mute"), ("KEY_CHANNELUP", "Ch +")),
    (("KEY_VOLUMEDOWN", "Vol −"), _NOTHING, ("KEY_CHANNELDOWN", "Ch −")),  # noqa: RUF001 - a minus sign
    *tuple(tuple((f"KEY_{n}", str(n)) for n in range(row, row + 3)) for row in (1, 4, 7)),
    (_NOTHING, ("KEY_0", "0"), _NOTHING),
)
"""Rows of (name of the key, what is written on it); nothing where there is none."""
