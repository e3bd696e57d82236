"""What a key is called."""

import pytest

from anyrig.devices.x11.keysyms import combination


@pytest.mark.parametrize(
    ("key", "keysyms"),
    [
        ("KEY_UP", [0xFF52]),
        ("KEY_DOWN", [0xFF54]),
        ("KEY_LEFT", [0xFF51]),
        ("KEY_RIGHT", [0xFF53]),
        ("KEY_OK", [0xFF0D]),
        ("KEY_ENTER", [0xFF0D]),
        ("KEY_BACK", [0xFF1B]),
        ("KEY_HOME", [0xFF50]),
        ("KEY_MENU", [0xFF67]),
        ("KEY_0", [0x30]),
        ("KEY_9", [0x39]),
        ("KEY_A", [0x61]),
        ("KEY_F12", [0xFFC9]),
        ("KEY_COMMA", [0x2C]),
        ("KEY_PLAYPAUSE", [0x1008FF14]),
        ("KEY_VOLUMEUP", [0x1008FF13]),
        ("XF86AudioMute", [0x1008FF12]),
        ("Return", [0xFF0D]),
        ("a", [0x61]),
        ("+", [0x2B]),
        ("ctrl+alt+Delete", [0xFFE3, 0xFFE9, 0xFFFF]),
        ("€", [0x10020AC]),
    ],
)
def test_a_key_is_known_by_its_name(key: str, keysyms: list[int]) -> None:
    assert combination(key) == keysyms


@pytest.mark.parametrize("key", ["", "KEY_", "KEY_NOSUCH", "return", "ctrl+", "+a", "XF86Nothing", "ab"])
def test_a_name_that_no_key_has_is_unknown(key: str) -> None:
    with pytest.raises(KeyError):
        combination(key)
