"""A device as a lab machine's configuration describes it: two tables, of texts, numbers and lists.

::

    device = { kind = "x11", size = "1280x720", fps = 25, command = "my-tv --fullscreen" }
    control = { kind = "lirc", address = "10.0.0.7", keymap = { KEY_OK = "KEY_SELECT" } }

Without a control, or with one that has no kind but a keymap, keys go where the picture comes from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Invalid
from anyrig.devices.registry import CONTROLS, KINDS, Kind, known

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_FPS = (1.0, 120.0)
"""Pictures in a second."""
_PATIENCE = (0.5, 3600.0)
"""Seconds."""
_OF_DEVICES = frozenset({"kind", "size", "fps", "patience"})
_OF_CONTROLS = frozenset({"kind", "keymap"})
_NOBODY = "none"
_CALLED: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list of texts",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class _Control:
    kind: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    keymap: Mapping[str, str] = field(default_factory=dict)


def device_config(device: Mapping[str, Any], control: Mapping[str, Any] | None = None) -> DeviceConfig:
    """Raises Invalid, which says what is wrong."""
    kind = _kind(device, KINDS, "device")
    width, height = _size(device.get("size", "1280x720"))
    keys = _control(kind, control or {})
    return DeviceConfig(
        kind=kind,
        width=width,
        height=height,
        fps=_between("fps", device.get("fps", 25.0), *_FPS),
        options=_options(device, _OF_DEVICES, KINDS[kind], f"a device of kind {kind}"),
        control=keys.kind,
        control_options=keys.options,
        keymap=keys.keymap,
        patience=_between("patience", device.get("patience", 5.0), *_PATIENCE),
    )


def control_of(config: DeviceConfig) -> str | None:
    """The kind of the control that presses a device's keys; None: nothing does."""
    if config.control is None:
        return config.kind if KINDS[config.kind].has_control else None
    return None if config.control == _NOBODY else config.control


def _control(device: str, table: Mapping[str, Any]) -> _Control:
    if not isinstance(table, dict):
        raise _no_kind("control", CONTROLS)
    keymap = _keymap(table.get("keymap", {}))
    if KINDS[device].has_control and table.get("kind", device) == device and not table.keys() - _OF_CONTROLS:
        return _Control(keymap=keymap)
    if not table:
        return _Control()
    kind = _kind(table, CONTROLS, "control")
    return _Control(kind, _options(table, _OF_CONTROLS, CONTROLS[kind], f"a control of kind {kind}"), keymap)


def _kind(table: Mapping[str, Any], kinds: Mapping[str, Kind], what: str) -> str:
    if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
        raise _no_kind(what, kinds)
    known(kinds, table["kind"], what)
    return str(table["kind"])


def _no_kind(what: str, kinds: Mapping[str, Kind]) -> Invalid:
    return Invalid(reason=f"a {what} is a table with a kind, one of {', '.join(kinds)}")


def _size(size: object) -> tuple[int, int]:
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if match is None:
        raise Invalid(reason=f"a device's size is a text such as 1280x720, not {_shown(size)}")
    return int(match[1]), int(match[2])


def _between(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Invalid(reason=f"{name} is a number from {least:g} to {most:g}, not {_shown(value)}")
    return float(value)


def _keymap(keymap: object) -> Mapping[str, str]:
    if not isinstance(keymap, dict) or not all(isinstance(name, str) and name for name in keymap.values()):
        raise Invalid(reason='a keymap is a table of texts such as { KEY_OK = "Return" }')
    return keymap


def _options(table: Mapping[str, Any], common: frozenset[str], kind: Kind, what: str) -> Mapping[str, Any]:
    options = {name: value for name, value in table.items() if name not in common}
    for name, value in options.items():
        if name not in kind.options:
            names = ", ".join(sorted(common | kind.options.keys()))
            raise Invalid(reason=f"{what} has no option '{name}'; it has {names}")
        _checked(name, value, kind, what)
    if missing := [name for name in kind.required if name not in options]:
        raise Invalid(reason=f"{what} needs the option {missing[0]}")
    return options


def _checked(name: str, value: object, kind: Kind, what: str) -> None:
    types = kind.options[name]
    types = types if isinstance(types, tuple) else (types,)
    is_list_of_texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if type(value) not in types or (isinstance(value, list) and not is_list_of_texts):
        called = " or ".join(_CALLED[one] for one in types)
        raise Invalid(reason=f"the option {name} of {what} is {called}, not {_shown(value)}")


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
