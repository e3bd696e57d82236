"""The node's device as stbt_core wants it: what ``stbt_core.get_frame``, ``press`` and the like call."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import Enum
from time import monotonic, sleep, time
from typing import Any, NoReturn

from anyrig.core.devices import NO_CONTROL, NO_VIDEO, UNKNOWN_KEY
from anyrig.executors.python.inside.frames import PATIENCE, Video
from anyrig.executors.python.inside.messages import Message
from anyrig.executors.python.inside.wire import Line, Lost, Wire

_LONGEST_HOLD = 60.0
_SLACK = 30.0
"""Seconds that a control may take for a key, beyond those for which the key is held."""


class UnknownKey(Exception):
    """The remote control has no such key."""

    __module__ = "builtins"  # so that a traceback has its bare name


class NoControl(Exception):
    """The device has nothing that presses keys."""

    __module__ = "builtins"


class ControlFailed(Exception):
    """What presses the keys did not do it."""

    __module__ = "builtins"


class Device:
    """See the functions of the same names in stbt_core.

    ``path``: the device process's socket. ``importing``: this process imports a test file, and is going to
    fork; its frames must not depend on a connection.
    """

    def __init__(self, path: str, *, importing: bool) -> None:
        self._line = Line(path)
        self.video = Video(self._line, copies=importing)
        self._last: Any = None
        self._pressed_at: float | None = None

    @property
    def used(self) -> bool:
        """Whether anything was asked of the device."""
        return self._line.used

    def get_frame(self) -> Any:
        return self.video.newest()

    def frames(self, timeout_secs: float | None = None) -> Iterator[Any]:
        return self.video.frames(timeout_secs)

    def last_keypress(self) -> Any:
        return self._last

    def draw_text(self, text: str, duration_secs: float = 3) -> None:
        """Nothing: stbt_core has logged it, and the recording shows what the device showed."""

    def press(
        self, key: str | Enum, interpress_delay_secs: float | None = None, hold_secs: float | None = None
    ) -> Any:
        name = _name(key)
        if hold_secs is not None and not 0 <= hold_secs <= _LONGEST_HOLD:
            raise ValueError(f"hold_secs is {hold_secs}; it can be 0 to {_LONGEST_HOLD:g}")
        with self._in_time(interpress_delay_secs):
            press = self._keypress(name)
            answer = self._do(self._wire(), "press", within=hold_secs or 0, key=name, hold=hold_secs)
            press.start_time, press.end_time = answer["start"], answer["end"]
        self._last = press
        return press

    @contextmanager
    def pressing(self, key: str | Enum, interpress_delay_secs: float | None = None) -> Iterator[Any]:
        name = _name(key)
        with self._in_time(interpress_delay_secs):
            press = self._keypress(name)
            wire = self._wire()  # a key goes up when the connection on which it went down ends
            press.start_time = self._do(wire, "down", key=name)["time"]
            self._last = press
            try:
                yield press
            except BaseException:
                with suppress(Exception):  # what went wrong first is what the test's author wants to know
                    press.end_time = self._do(wire, "up", key=name)["time"]
                raise
            press.end_time = self._do(wire, "up", key=name)["time"]

    def press_until_match(
        self,
        key: str | Enum,
        image: Any,
        interval_secs: float | None = None,
        max_presses: int | None = None,
        match_parameters: Any = None,
        region: Any = None,
    ) -> Any:
        core = sys.modules["stbt_core"]
        seconds = _configured("press_until_match", "interval_secs", float, interval_secs)
        left = _configured("press_until_match", "max_presses", int, max_presses)
        image = core.load_image(image)
        while True:
            try:
                return core.wait_for_match(
                    image,
                    timeout_secs=seconds,
                    match_parameters=match_parameters,
                    region=core.Region.ALL if region is None else region,
                    frames=self.frames(),
                )
            except core.MatchTimeout:
                if left <= 0:
                    raise
            self.press(key)
            left -= 1

    def _keypress(self, key: str) -> Any:
        before = self.get_frame()
        return sys.modules["stbt_core"].Keypress(key, time(), None, before)

    def _wire(self) -> Wire:
        try:
            return self._line.wire(monotonic() + PATIENCE)
        except Lost as lost:
            raise ControlFailed(str(lost)) from None

    def _do(self, wire: Wire, op: str, within: float = 0, **fields: object) -> Message:
        try:
            answer = wire.ask(op, within + _SLACK, **fields)
        except Lost as lost:
            raise ControlFailed(f"{fields['key']}: {lost}") from None
        if "error" in answer:
            _refuse(answer)
        return answer

    @contextmanager
    def _in_time(self, delay: float | None) -> Iterator[None]:
        """Not sooner after the last key than the device can take it."""
        seconds = _configured("press", "interpress_delay_secs", float, delay)
        if self._pressed_at is not None:
            sleep(max(0.0, self._pressed_at + seconds - monotonic()))
        try:
            yield
        finally:
            self._pressed_at = monotonic()


class NoDevice:
    """In a device's place on a node that has none."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.used = False

    def last_keypress(self) -> None:
        return None

    def draw_text(self, text: str, duration_secs: float = 3) -> None:
        """Nothing."""

    def get_frame(self) -> NoReturn:
        self._refuse("get_frame")

    def frames(self, *_arguments: Any) -> NoReturn:
        self._refuse("frames")

    def press(self, *_arguments: Any) -> NoReturn:
        self._refuse("press")

    def pressing(self, *_arguments: Any) -> AbstractContextManager[NoReturn]:
        self._refuse("pressing")

    def press_until_match(self, *_arguments: Any) -> NoReturn:
        self._refuse("press_until_match")

    def _refuse(self, function: str) -> NoReturn:
        self.used = True
        core = sys.modules["stbt_core"]
        raise core.ConfigurationError(f"Node {self._node} has no device, which stbt.{function} needs")


def install(request: Message, *, importing: bool = False) -> None:
    """Let the functions of stbt_core use the device of the request's node from now on.

    Not by ``_set_dut_singleton``, which on leaving puts something back; nobody ever leaves this.
    """
    path = request["device"]
    device = Device(path, importing=importing) if path else NoDevice(request["node"])
    vars(sys.modules["stbt_core"])["_dut"] = device


def installed() -> Device | NoDevice:
    device: Device | NoDevice = vars(sys.modules["stbt_core"])["_dut"]
    return device


def _name(key: str | Enum) -> str:
    name = key.value if isinstance(key, Enum) else key
    if not isinstance(name, str):
        raise TypeError(f"A key is a text or an Enum of texts, not {name!r}")
    return name


def _configured(section: str, key: str, type_: type, value: Any) -> Any:
    if value is not None:
        return value
    return sys.modules["stbt_core"].get_config(section, key, type_=type_)


def _refuse(answer: Message) -> NoReturn:
    reason = str(answer.get("reason") or answer["error"])
    core = sys.modules["stbt_core"]
    errors = {UNKNOWN_KEY: UnknownKey, NO_CONTROL: NoControl, NO_VIDEO: core.NoVideo}
    raise errors.get(answer["error"], ControlFailed)(reason)
