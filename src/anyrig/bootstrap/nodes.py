"""Which nodes an agent serves: slots without a device, and those that its ``anyrig.toml`` describes.

::

    [node.tv-1]
    labels = ["london"]
    device = { kind = "x11", size = "1280x720", command = "my-tv --fullscreen" }
    control = { kind = "roku", address = "10.0.0.7" }
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Invalid
from anyrig.core.ids import checked_name
from anyrig.core.messages import DeviceOffer, NodeOffer

CONFIG = "anyrig.toml"
"""In the data folder of a server, for the nodes beside it."""
_KEYS = frozenset({"labels", "device", "control"})
_MAIN_OPTION = {"x11": "command", "browser": "url", "video": "input", "android": "serial"}
"""What stands behind the colon of ``--device NAME=KIND:…``."""


@dataclass(frozen=True, slots=True)
class Described:
    """A node with a device, as somebody has described it."""

    name: str
    labels: tuple[str, ...]
    device: Mapping[str, Any]
    control: Mapping[str, Any] | None = None


def from_file(file: Path) -> list[Described]:
    """The tables ``[node.…]`` of a file, which need not exist. Raises Invalid."""
    try:
        tables = tomllib.loads(file.read_text("utf-8")).get("node", {})
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise Invalid(reason=f"{file} is not TOML ({error})") from error
    return [_described(str(name), table) for name, table in tables.items()]


def _described(name: str, table: Any) -> Described:
    checked_name("node", name)
    if not isinstance(table, dict) or "device" not in table:
        raise Invalid(reason=f"[node.{name}] has no device")
    if unknown := table.keys() - _KEYS:
        raise Invalid(reason=f"[node.{name}] has an unknown key: {', '.join(sorted(unknown))}")
    labels = table.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise Invalid(reason=f"labels of [node.{name}] is not a list of texts")
    return Described(name, tuple(labels), table["device"], table.get("control"))


def from_flags(flags: Sequence[str]) -> list[Described]:
    """``NAME=KIND[:OPTION]``, such as ``tv=browser:https://example.com``. Raises Invalid."""
    found = []
    for flag in flags:
        name, _, rest = flag.partition("=")
        kind, _, option = rest.partition(":")
        checked_name("node", name)
        if not kind or (option and kind not in _MAIN_OPTION):
            raise Invalid(reason=f"'{flag}' is not NAME=KIND or NAME=KIND:OPTION")
        found.append(Described(name, (), {"kind": kind, **({_MAIN_OPTION[kind]: option} if option else {})}))
    return found


@dataclass(frozen=True, slots=True)
class Served:
    """All that an agent serves."""

    nodes: tuple[NodeOffer, ...]
    devices: Mapping[str, DeviceConfig]


def served(
    plain: Sequence[str], described: Sequence[Described], labels: Sequence[str], kinds: tuple[str, ...]
) -> Served:
    """Nodes without a device by the names ``plain``, and those described; ``labels`` are those of all.

    Raises:
        Invalid: A name is there twice, or a device is not described right.
    """
    names = [*plain, *(one.name for one in described)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Invalid(reason=f"there are two nodes {', '.join(sorted(twice))}")
    offers = [NodeOffer(name, kinds, tuple(labels)) for name in plain]
    devices = {}
    for one in described:
        devices[one.name] = config = _config(one)
        offers.append(NodeOffer(one.name, kinds, (*labels, *one.labels), _offer(config)))
    return Served(tuple(offers), devices)


def _config(one: Described) -> DeviceConfig:
    from anyrig.devices.config import device_config  # noqa: PLC0415 - agents without devices start without it

    try:
        return device_config(one.device, one.control)
    except Invalid as error:
        raise Invalid(reason=f"node {one.name}: {error.fields['reason']}") from error


def _offer(config: DeviceConfig) -> DeviceOffer:
    from anyrig.devices.config import control_of  # noqa: PLC0415 - as above

    return DeviceOffer(config.kind, control_of(config), config.width, config.height)
