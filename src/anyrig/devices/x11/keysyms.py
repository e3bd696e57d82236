"""Names of X keys, their numbers (X11/keysymdef.h, X11/XF86keysym.h), and what remote controls call them."""

_NAMED = {
    "BackSpace": 0xFF08,
    "Tab": 0xFF09,
    "Return": 0xFF0D,
    "Pause": 0xFF13,
    "Escape": 0xFF1B,
    "Home": 0xFF50,
    "Left": 0xFF51,
    "Up": 0xFF52,
    "Right": 0xFF53,
    "Down": 0xFF54,
    "Prior": 0xFF55,
    "Page_Up": 0xFF55,
    "Next": 0xFF56,
    "Page_Down": 0xFF56,
    "End": 0xFF57,
    "Print": 0xFF61,
    "Insert": 0xFF63,
    "Menu": 0xFF67,
    "Help": 0xFF6A,
    "KP_Enter": 0xFF8D,
    "Shift_L": 0xFFE1,
    "Shift_R": 0xFFE2,
    "Control_L": 0xFFE3,
    "Control_R": 0xFFE4,
    "Caps_Lock": 0xFFE5,
    "Meta_L": 0xFFE7,
    "Alt_L": 0xFFE9,
    "Alt_R": 0xFFEA,
    "Super_L": 0xFFEB,
    "Super_R": 0xFFEC,
    "Delete": 0xFFFF,
    "XF86AudioLowerVolume": 0x1008FF11,
    "XF86AudioMute": 0x1008FF12,
    "XF86AudioRaiseVolume": 0x1008FF13,
    "XF86AudioPlay": 0x1008FF14,
    "XF86AudioStop": 0x1008FF15,
    "XF86AudioPrev": 0x1008FF16,
    "XF86AudioNext": 0x1008FF17,
    "XF86HomePage": 0x1008FF18,
    "XF86Search": 0x1008FF1B,
    "XF86AudioRecord": 0x1008FF1C,
    "XF86Back": 0x1008FF26,
    "XF86Forward": 0x1008FF27,
    "XF86PowerOff": 0x1008FF2A,
    "XF86Eject": 0x1008FF2C,
    "XF86Sleep": 0x1008FF2F,
    "XF86AudioPause": 0x1008FF31,
    "XF86AudioRewind": 0x1008FF3E,
    "XF86AudioMedia": 0x1008FF32,
    "XF86AudioForward": 0x1008FF97,
    "XF86Subtitle": 0x1008FF9A,
    "XF86Red": 0x1008FFA3,
    "XF86Green": 0x1008FFA4,
    "XF86Yellow": 0x1008FFA5,
    "XF86Blue": 0x1008FFA6,
}
_SIGNS = {
    "space": " ",
    "exclam": "!",
    "quotedbl": '"',
    "numbersign": "#",
    "dollar": "$",
    "percent": "%",
    "ampersand": "&",
    "apostrophe": "'",
    "parenleft": "(",
    "parenright": ")",
    "asterisk": "*",
    "plus": "+",
    "comma": ",",
    "minus": "-",
    "period": ".",
    "slash": "/",
    "colon": ":",
    "semicolon": ";",
    "less": "<",
    "equal": "=",
    "greater": ">",
    "question": "?",
    "at": "@",
    "bracketleft": "[",
    "backslash": "\\",
    "bracketright": "]",
    "asciicircum": "^",
    "underscore": "_",
    "grave": "`",
    "braceleft": "{",
    "bar": "|",
    "braceright": "}",
    "asciitilde": "~",
}
_FUNCTION_KEYS = {f"F{number}": 0xFFBD + number for number in range(1, 25)}
_KEYPAD = {f"KP_{digit}": 0xFFB0 + digit for digit in range(10)}
_MODIFIERS = {"ctrl": "Control_L", "alt": "Alt_L", "shift": "Shift_L", "super": "Super_L", "meta": "Meta_L"}
_UNICODE = 0x1000000
"""Added to a code point beyond Latin-1."""
_LAST_LATIN_1 = 0xFF

_REMOTE = {
    "KEY_OK": "Return",
    "KEY_ENTER": "Return",
    "KEY_SELECT": "Return",
    "KEY_BACK": "Escape",
    "KEY_EXIT": "Escape",
    "KEY_ESC": "Escape",
    "KEY_CLOSE": "Escape",
    "KEY_HOME": "Home",
    "KEY_HOMEPAGE": "XF86HomePage",
    "KEY_PAGEUP": "Prior",
    "KEY_PAGEDOWN": "Next",
    "KEY_CHANNELUP": "Prior",
    "KEY_CHANNELDOWN": "Next",
    "KEY_BACKSPACE": "BackSpace",
    "KEY_PLAY": "XF86AudioPlay",
    "KEY_PLAYPAUSE": "XF86AudioPlay",
    "KEY_PAUSE": "XF86AudioPause",
    "KEY_STOP": "XF86AudioStop",
    "KEY_RECORD": "XF86AudioRecord",
    "KEY_FASTFORWARD": "XF86AudioForward",
    "KEY_FORWARD": "XF86AudioForward",
    "KEY_REWIND": "XF86AudioRewind",
    "KEY_NEXT": "XF86AudioNext",
    "KEY_NEXTSONG": "XF86AudioNext",
    "KEY_PREVIOUS": "XF86AudioPrev",
    "KEY_PREVIOUSSONG": "XF86AudioPrev",
    "KEY_VOLUMEUP": "XF86AudioRaiseVolume",
    "KEY_VOLUMEDOWN": "XF86AudioLowerVolume",
    "KEY_MUTE": "XF86AudioMute",
    "KEY_POWER": "XF86PowerOff",
    "KEY_SLEEP": "XF86Sleep",
    "KEY_EJECTCD": "XF86Eject",
    "KEY_SEARCH": "XF86Search",
    "KEY_SUBTITLE": "XF86Subtitle",
    "KEY_MEDIA": "XF86AudioMedia",
    "KEY_RED": "XF86Red",
    "KEY_GREEN": "XF86Green",
    "KEY_YELLOW": "XF86Yellow",
    "KEY_BLUE": "XF86Blue",
    "KEY_INFO": "i",
    "KEY_EPG": "g",
    "KEY_LEFTSHIFT": "Shift_L",
    "KEY_LEFTCTRL": "Control_L",
    "KEY_LEFTALT": "Alt_L",
    "KEY_LEFTMETA": "Super_L",
    "KEY_DOT": "period",
}
"""Linux's names (linux/input-event-codes.h), as remote controls have them, that X calls otherwise."""
_KEY = "KEY_"
_SAME_WORD = {name.upper(): name for name in (*_NAMED, *_SIGNS, *_FUNCTION_KEYS) if "_" not in name}
"""``KEY_UP`` is ``Up``, ``KEY_COMMA`` ``comma``."""


def combination(key: str) -> list[int]:
    """The keysyms that are down together for a key: ``Return``, ``a``, ``é``, ``ctrl+c``, ``KEY_OK``.

    Raises:
        KeyError: There is no key of that name.
    """
    names = [key] if len(key) == 1 else key.split("+")
    return [_keysym(name) for name in names]


def _keysym(name: str) -> int:
    name = _MODIFIERS.get(name, name)
    if name.startswith(_KEY):
        name = _of_remote(name)
    if len(name) == 1 or name in _SIGNS:
        point = ord(_SIGNS.get(name, name))
        return point if point <= _LAST_LATIN_1 else _UNICODE + point
    return (_NAMED | _FUNCTION_KEYS | _KEYPAD)[name]


def _of_remote(name: str) -> str:
    word = name.removeprefix(_KEY)
    if name in _REMOTE:
        return _REMOTE[name]
    if len(word) == 1:
        return word.lower()
    return _SAME_WORD.get(word, name)
