"""How a device is described, and what is said about each mistake."""

from typing import Any

import pytest

from anyrig.core.errors import Invalid
from anyrig.devices.config import control_of, device_config
from anyrig.devices.registry import CONTROLS, KINDS, control_kind, device_kind


def test_a_device_is_described_by_a_table() -> None:
    config = device_config(
        {"kind": "x11", "size": "640x480", "fps": 10, "command": "tv --full", "patience": 2}
    )
    assert (config.kind, config.width, config.height, config.fps) == ("x11", 640, 480, 10.0)
    assert config.options == {"command": "tv --full"}
    assert config.patience == 2.0
    assert config.control is None


def test_a_device_has_720_lines_25_times_a_second_unless_it_is_said() -> None:
    config = device_config({"kind": "video", "input": "/dev/video0"})
    assert (config.width, config.height, config.fps) == (1280, 720, 25.0)


def test_keys_go_where_the_picture_comes_from() -> None:
    assert control_of(device_config({"kind": "x11"})) == "x11"
    assert control_of(device_config({"kind": "x11"}, {"kind": "x11"})) == "x11"
    assert control_of(device_config({"kind": "video", "input": "x"})) is None


def test_another_control_presses_the_keys() -> None:
    config = device_config({"kind": "video", "input": "x"}, {"kind": "x11", "display": ":0"})
    assert (config.control, config.control_options) == ("x11", {"display": ":0"})
    assert control_of(config) == "x11"


def test_nobody_presses_keys_by_choice() -> None:
    config = device_config({"kind": "x11"}, {"kind": "none"})
    assert config.control == "none"
    assert control_of(config) is None


def test_a_keymap_needs_no_other_control() -> None:
    config = device_config({"kind": "x11"}, {"keymap": {"KEY_OK": "space"}})
    assert config.control is None
    assert config.keymap == {"KEY_OK": "space"}


@pytest.mark.parametrize(
    ("device", "control", "reason"),
    [
        ({}, None, "a device is a table with a kind, one of x11, "),
        ("x11", None, "a device is a table with a kind, one of x11, "),
        ({"kind": "tv"}, None, "there is no kind of device 'tv'; the kinds are x11, video"),
        ({"kind": "x11", "size": "big"}, None, "a device's size is a text such as 1280x720, not 'big'"),
        ({"kind": "x11", "size": 720}, None, "a device's size is a text such as 1280x720, not 720"),
        ({"kind": "x11", "size": "0x0"}, None, "a device's size is a text such as 1280x720, not '0x0'"),
        ({"kind": "x11", "fps": 0}, None, "fps is a number from 1 to 120, not 0"),
        ({"kind": "x11", "fps": "25"}, None, "fps is a number from 1 to 120, not '25'"),
        ({"kind": "x11", "fps": True}, None, "fps is a number from 1 to 120, not True"),
        ({"kind": "x11", "patience": -1}, None, "patience is a number from 0.5 to 3600, not -1"),
        (
            {"kind": "x11", "colour": "red"},
            None,
            "a device of kind x11 has no option 'colour'; it has command, display, fps, kind, patience, size",
        ),
        ({"kind": "video"}, None, "a device of kind video needs the option input"),
        ({"kind": "video", "input": 3}, None, "the option input of a device of kind video is a text, not 3"),
        (
            {"kind": "video", "input": "x", "loop": 1},
            None,
            "the option loop of a device of kind video is true or false, not 1",
        ),
        (
            {"kind": "x11", "command": ["a", 1]},
            None,
            "the option command of a device of kind x11 is a text or a list of texts, not ['a', 1]",
        ),
        ({"kind": "x11"}, {"kind": "rays"}, "there is no kind of control 'rays'; the kinds are none, x11"),
        ({"kind": "video", "input": "x"}, {"kind": "x11"}, "a control of kind x11 needs the option display"),
        (
            {"kind": "video", "input": "x"},
            {"keymap": {"KEY_OK": "a"}},
            "a control is a table with a kind, one of none, x11",
        ),
        ({"kind": "x11"}, {"keymap": {"KEY_OK": 1}}, "a keymap is a table of texts such as"),
        ({"kind": "x11"}, {"kind": "none", "speed": 1}, "a control of kind none has no option 'speed'"),
        ({"kind": "x11"}, "none", "a control is a table with a kind"),
    ],
)
def test_a_mistake_is_told(device: Any, control: Any, reason: str) -> None:
    with pytest.raises(Invalid) as told:
        device_config(device, control)
    assert str(told.value).startswith(f"The request is not valid: {reason}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_device_is_a_module_that_opens_it(kind: str) -> None:
    module = device_kind(kind)
    assert (module.KIND, callable(module.open_device)) == (kind, True)


@pytest.mark.parametrize("kind", CONTROLS)
def test_every_kind_of_control_is_a_module_that_opens_it(kind: str) -> None:
    module = control_kind(kind)
    assert (module.KIND, callable(module.open_control)) == (kind, True)
