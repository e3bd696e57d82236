"""All kinds of picture and of control, one a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, cast

from anyrig.core.errors import Invalid

if TYPE_CHECKING:  # it needs numpy, which agents do not
    from anyrig.devices.base import ControlKind, DeviceKind

Types = type | tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A module, which is imported when the first device of its kind is opened."""

    module: str
    options: Mapping[str, Types] = field(default_factory=dict)
    """Name -> the types its value may have, as TOML and JSON have them."""
    required: tuple[str, ...] = ()
    has_control: bool = False
    """Keys can go where the picture comes from."""


_BROWSER: dict[str, Types] = {"url": str, "program": str, "arguments": list, "quality": int}
_ADB: dict[str, Types] = {"serial": str, "address": str, "server_port": int}

KINDS: dict[str, Kind] = {
    "x11": Kind("x11.device", {"command": (str, list), "display": str}, has_control=True),
    "video": Kind("video", {"input": str, "loop": bool, "format": str}, required=("input",)),
    "browser": Kind("browser.device", _BROWSER, required=("url",), has_control=True),
    "android": Kind("android.device", _ADB, has_control=True),
}
"""What gives pictures; the control that comes with a picture has the same name."""

CONTROLS: dict[str, Kind] = {
    "none": Kind("none"),
    "x11": Kind("x11.device", {"display": str}, required=("display",)),
    "roku": Kind("roku", {"address": str}, required=("address",)),
    "lirc": Kind("lirc.control", {"address": str, "remote": str}, required=("address",)),
    "adb": Kind("android.adb", _ADB),
}
"""What presses keys, by itself."""


def device_kind(name: str) -> "DeviceKind":
    """Raises Invalid, naming the kinds there are."""
    return cast("DeviceKind", import_module(f"anyrig.devices.{known(KINDS, name, 'device').module}"))


def control_kind(name: str) -> "ControlKind":
    """Raises Invalid, naming the kinds there are."""
    return cast("ControlKind", import_module(f"anyrig.devices.{known(CONTROLS, name, 'control').module}"))


def known(kinds: Mapping[str, Kind], name: str, what: str) -> Kind:
    """Raises Invalid."""
    if name not in kinds:
        raise Invalid(reason=f"there is no kind of {what} '{name}'; the kinds are {', '.join(kinds)}")
    return kinds[name]
