"""Keys as web pages know them.

``key`` and ``code`` are those of W3C's UI Events KeyboardEvent key Values and code Values. The numbers are
what pages see as ``keyCode``: for keys of a keyboard those of Windows, for keys that only remote controls
have those of CTA-2014 (the ``VK_`` constants of HbbTV, ETSI TS 102 796).
"""

from dataclasses import dataclass

ALT, CTRL, META, SHIFT = 1, 2, 4, 8
"""Bits of ``modifiers`` in the Chrome DevTools Protocol's Input.dispatchKeyEvent."""


@dataclass(frozen=True, slots=True)
class DomKey:
    """One key of a keyboard."""

    key: str
    code: str = ""
    number: int = 0
    text: str = ""
    """What it types."""
    modifier: int = 0
    """The bit that it sets while it is down."""
    needs: int = 0
    """The bits without which a keyboard would not type this."""


_KEYBOARD = {
    "Backspace": 8,
    "Tab": 9,
    "Enter": 13,
    "Pause": 19,
    "CapsLock": 20,
    "Escape": 27,
    "PageUp": 33,
    "PageDown": 34,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "PrintScreen": 44,
    "Insert": 45,
    "Delete": 46,
    "Help": 47,
    "ContextMenu": 93,
    "Sleep": 95,
    **{f"F{number}": 111 + number for number in range(1, 25)},
    "BrowserBack": 166,
    "BrowserForward": 167,
    "BrowserRefresh": 168,
    "BrowserSearch": 170,
    "BrowserFavorites": 171,
    "BrowserHome": 172,
    "AudioVolumeMute": 173,
    "AudioVolumeDown": 174,
    "AudioVolumeUp": 175,
    "MediaTrackNext": 176,
    "MediaTrackPrevious": 177,
    "MediaStop": 178,
    "MediaPlayPause": 179,
}
"""``key``, which is ``code`` too -> number."""
_REMOTE = {
    "ColorF0Red": 403,
    "ColorF1Green": 404,
    "ColorF2Yellow": 405,
    "ColorF3Blue": 406,
    "Power": 409,
    "MediaRewind": 412,
    "MediaPlay": 415,
    "MediaRecord": 416,
    "MediaFastForward": 417,
    "ChannelUp": 427,
    "ChannelDown": 428,
    "Info": 457,
    "Guide": 458,
    "Teletext": 459,
    "Subtitle": 460,
    "GoBack": 461,
    "Exit": 0,
    "MediaPause": 19,
    "Settings": 0,
    "Eject": 0,
    "TV": 0,
}
"""``key`` -> number; a keyboard's layout has no place for them, so that ``code`` is empty."""
_MODIFIERS = {
    "Shift": DomKey("Shift", "ShiftLeft", 16, modifier=SHIFT),
    "Control": DomKey("Control", "ControlLeft", 17, modifier=CTRL),
    "Alt": DomKey("Alt", "AltLeft", 18, modifier=ALT),
    "Meta": DomKey("Meta", "MetaLeft", 91, modifier=META),
}
_COMBINED = {"ctrl": "Control", "alt": "Alt", "shift": "Shift", "super": "Meta", "meta": "Meta"}
_TYPES = {"Enter": "\r"}
_DIGITS = ")!@#$%^&*("
"""What the keys 0 to 9 type with shift, on a keyboard of the United States."""
_SIGNS = {
    "Space": ("  ", 32),
    "Semicolon": (";:", 186),
    "Equal": ("=+", 187),
    "Comma": (",<", 188),
    "Minus": ("-_", 189),
    "Period": (".>", 190),
    "Slash": ("/?", 191),
    "Backquote": ("`~", 192),
    "BracketLeft": ("[{", 219),
    "Backslash": ("\\|", 220),
    "BracketRight": ("]}", 221),
    "Quote": ("'\"", 222),
}
"""``code`` -> what it types without and with shift, and its number."""
_OF_REMOTES = {
    "KEY_OK": "Enter",
    "KEY_SELECT": "Enter",
    "KEY_KPENTER": "Enter",
    "KEY_BACK": "Escape",
    "KEY_EXIT": "Escape",
    "KEY_CLOSE": "Escape",
    "KEY_ESC": "Escape",
    "KEY_UP": "ArrowUp",
    "KEY_DOWN": "ArrowDown",
    "KEY_LEFT": "ArrowLeft",
    "KEY_RIGHT": "ArrowRight",
    "KEY_HOMEPAGE": "BrowserHome",
    "KEY_MENU": "ContextMenu",
    "KEY_PLAY": "MediaPlay",
    "KEY_PLAYPAUSE": "MediaPlayPause",
    "KEY_PAUSE": "MediaPause",
    "KEY_STOP": "MediaStop",
    "KEY_RECORD": "MediaRecord",
    "KEY_FASTFORWARD": "MediaFastForward",
    "KEY_FORWARD": "MediaFastForward",
    "KEY_REWIND": "MediaRewind",
    "KEY_NEXT": "MediaTrackNext",
    "KEY_NEXTSONG": "MediaTrackNext",
    "KEY_PREVIOUS": "MediaTrackPrevious",
    "KEY_PREVIOUSSONG": "MediaTrackPrevious",
    "KEY_VOLUMEUP": "AudioVolumeUp",
    "KEY_VOLUMEDOWN": "AudioVolumeDown",
    "KEY_MUTE": "AudioVolumeMute",
    "KEY_SEARCH": "BrowserSearch",
    "KEY_FAVORITES": "BrowserFavorites",
    "KEY_EPG": "Guide",
    "KEY_PROGRAM": "Guide",
    "KEY_TEXT": "Teletext",
    "KEY_SETUP": "Settings",
    "KEY_EJECTCD": "Eject",
    "KEY_RED": "ColorF0Red",
    "KEY_GREEN": "ColorF1Green",
    "KEY_YELLOW": "ColorF2Yellow",
    "KEY_BLUE": "ColorF3Blue",
    "KEY_SYSRQ": "PrintScreen",
    "KEY_LEFTSHIFT": "Shift",
    "KEY_LEFTCTRL": "Control",
    "KEY_LEFTALT": "Alt",
    "KEY_LEFTMETA": "Meta",
    "KEY_SPACE": " ",
    "KEY_DOT": ".",
    "KEY_COMMA": ",",
    "KEY_MINUS": "-",
    "KEY_EQUAL": "=",
    "KEY_SLASH": "/",
    "KEY_SEMICOLON": ";",
    "KEY_APOSTROPHE": "'",
    "KEY_GRAVE": "`",
    "KEY_BACKSLASH": "\\",
    "KEY_LEFTBRACE": "[",
    "KEY_RIGHTBRACE": "]",
}
"""Linux's names (linux/input-event-codes.h), as remote controls have them, that pages call otherwise."""
_KEY = "KEY_"
_NAMED = (
    {key: DomKey(key, key, number, _TYPES.get(key, "")) for key, number in _KEYBOARD.items()}
    | {key: DomKey(key, "", number) for key, number in _REMOTE.items()}
    | _MODIFIERS
)
_SAME_WORD = {name.upper(): name for name in _NAMED}
"""``KEY_PAGEUP`` is ``PageUp``, ``KEY_INFO`` ``Info``."""


def combination(name: str) -> tuple[DomKey, ...]:
    """The keys that are down together: of ``Enter``, ``a``, ``é``, ``ctrl+c``, ``KEY_OK``.

    Raises:
        KeyError: There is no key of that name.
    """
    words = [name] if len(name) == 1 else name.split("+")
    return tuple(_key(_COMBINED.get(word, word)) for word in words)


def _key(name: str) -> DomKey:
    if name.startswith(_KEY):
        name = _of_remote(name)
    return _typing(name) if len(name) == 1 else _NAMED[name]


def _of_remote(name: str) -> str:
    word = name.removeprefix(_KEY)
    if name in _OF_REMOTES:
        return _OF_REMOTES[name]
    return word.lower() if len(word) == 1 else _SAME_WORD.get(word, name)


def _typing(sign: str) -> DomKey:
    """The key that types a character; one that no keyboard of the United States has is a key of its own."""
    if sign.isascii() and sign.isalpha():
        return _typed(sign, f"Key{sign.upper()}", ord(sign.upper()), shifted=sign.isupper())
    if sign.isascii() and sign.isdigit():
        return _typed(sign, f"Digit{sign}", ord(sign))
    if sign in _DIGITS:
        digit = str(_DIGITS.index(sign))
        return _typed(sign, f"Digit{digit}", ord(digit), shifted=True)
    for code, (both, number) in _SIGNS.items():
        if sign in both:
            return _typed(sign, code, number, shifted=sign != both[0])
    if not sign.isprintable():
        raise KeyError(sign)
    return DomKey(sign, text=sign)


def _typed(sign: str, code: str, number: int, *, shifted: bool = False) -> DomKey:
    return DomKey(sign, code, number, sign, needs=SHIFT if shifted else 0)
