"""Everything of stbt_core that Anyrig relies on, public or not. Where one of these fails, a newer one differs."""

import importlib.metadata
import inspect
import os

import _stbt.config
import _stbt.types
import numpy
import pytest
import stbt_core

PUBLIC = {
    "ConfigurationError", "Frame", "Keypress", "MatchTimeout", "MotionTimeout", "NoVideo", "Region",
    "UITestFailure", "draw_text", "frames", "get_config", "get_frame", "last_keypress", "load_image", "match",
    "press", "press_and_wait", "press_until_match", "pressing", "save_frame", "wait_for_match",
}  # fmt: skip


class Noted:
    """A device that notes how it is called."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.fixture
def device():
    vars(stbt_core)["_dut"] = noted = Noted()
    return noted


def picture():
    return numpy.zeros((72, 128, 3), numpy.uint8)


def test_the_version_is_the_one_we_know():
    assert importlib.metadata.version("stbt_core") == "34.12.0"


def test_the_public_names_are_there():
    assert PUBLIC <= set(stbt_core.__all__)


def test_the_device_is_a_global_variable_that_can_be_replaced(device):
    calls = {
        stbt_core.press: (("KEY_OK", 1, 2), "press", ("KEY_OK", 1, 2)),
        stbt_core.pressing: (("KEY_OK", 1), "pressing", ("KEY_OK", 1)),
        stbt_core.draw_text: (("text", 3), "draw_text", ("text", 3)),
        stbt_core.press_until_match: (
            ("KEY_OK", "a.png", 1, 2, None, stbt_core.Region.ALL),
            "press_until_match",
            ("KEY_OK", "a.png", 1, 2, None, stbt_core.Region.ALL),
        ),
        stbt_core.frames: ((5,), "frames", (5,)),
        stbt_core.get_frame: ((), "get_frame", ()),
        stbt_core.last_keypress: ((), "last_keypress", ()),
    }
    for function, (arguments, name, handed_on) in calls.items():
        function(*arguments)
        assert device.calls[-1] == (name, handed_on, {})
    assert len(device.calls) == len(calls)


def test_the_device_has_no_other_functions():
    names = {name for name in vars(stbt_core.UnconfiguredDeviceUnderTest) if not name.startswith("_")}
    assert names == {
        "draw_text", "frames", "get_frame", "last_keypress", "press", "press_until_match", "pressing",
    }  # fmt: skip


def test_setting_the_device_in_stbt_cores_own_way_is_the_same():
    with stbt_core._set_dut_singleton(Noted()) as device:
        assert vars(stbt_core)["_dut"] is device


def test_what_looks_for_a_frame_asks_the_device(device):
    class Once(Noted):
        def get_frame(self):
            self.calls.append("get_frame")
            return stbt_core.Frame(picture(), time=5.0)

    vars(stbt_core)["_dut"] = once = Once()
    assert stbt_core.is_screen_black()
    assert not stbt_core.match(numpy.full((5, 5, 3), 99, numpy.uint8))
    assert once.calls == ["get_frame"] * 2


def test_a_frame_is_a_view_with_a_time():
    pixels = picture()
    pixels.flags.writeable = False
    frame = stbt_core.Frame(pixels, time=12.5)
    assert isinstance(frame, numpy.ndarray)
    assert (frame.time, frame[2:4].time) == (12.5, 12.5)
    assert numpy.shares_memory(frame, pixels)
    assert not frame.flags.writeable
    found = stbt_core.match(numpy.zeros((5, 5, 3), numpy.uint8), frame=frame).frame
    assert found.time == 12.5
    assert numpy.shares_memory(found, pixels)


def test_a_keypress_has_four_parts_that_can_be_set():
    press = stbt_core.Keypress("KEY_OK", 1.0, None, None)
    press.start_time, press.end_time, press.frame_before = 2.0, 3.0, picture()
    assert (press.key, press.start_time, press.end_time) == ("KEY_OK", 2.0, 3.0)


def test_transitions_are_found_in_frames_and_presses_alone():
    bright = picture() + 200

    class Device(Noted):
        def press(self, key, *_rest):
            frame = stbt_core.Frame(picture(), time=9.0)
            return stbt_core.Keypress(key, 10.0, 11.0, frame)

        def frames(self, _timeout):
            yield stbt_core.Frame(picture(), time=10.5)
            for tenth in range(120, 150):
                yield stbt_core.Frame(bright, time=tenth / 10)

    vars(stbt_core)["_dut"] = Device()
    transition = stbt_core.press_and_wait("KEY_OK")
    assert (transition.press_time, transition.animation_start_time, transition.end_time) == (11.0, 12.0, 12.0)


def test_waiting_for_a_match_takes_frames_and_ends_with_the_last_one():
    names = inspect.signature(stbt_core.wait_for_match).parameters
    assert {"image", "timeout_secs", "match_parameters", "region", "frames"} <= set(names)
    frames = [stbt_core.Frame(picture(), time=time) for time in (1.0, 2.0, 9e9)]
    with pytest.raises(stbt_core.MatchTimeout) as caught:
        stbt_core.wait_for_match(numpy.full((5, 5, 3), 99, numpy.uint8), timeout_secs=3, frames=iter(frames))
    assert caught.value.screenshot.time == 2.0


def test_failures_have_pictures():
    for error in (stbt_core.MatchTimeout(picture(), "a", 1), stbt_core.MotionTimeout(picture(), None, 1)):
        assert isinstance(error, stbt_core.UITestFailure)
        assert error.screenshot.shape == (72, 128, 3)
    assert _stbt.types.UITestFailure is stbt_core.UITestFailure
    assert not issubclass(stbt_core.NoVideo, stbt_core.UITestFailure)
    assert str(stbt_core.NoVideo("no video from x")) == "no video from x"


def test_the_configuration_is_read_once_from_files_of_which_the_first_counts(tmp_path):
    for name, text in (("a", "[press]\nx = 1\n"), ("b", "[press]\nx = 2\ny = 3\n")):
        (tmp_path / name).write_text(text)
    os.environ["STBT_CONFIG_FILE"] = f"{tmp_path}/a:{tmp_path}/b"
    _stbt.config._config = None
    assert stbt_core.get_config("press", "x", type_=float) == 1.0
    assert stbt_core.get_config("press", "y", type_=int) == 3
    assert stbt_core.get_config("press", "interpress_delay_secs", type_=float) == 0.3
    assert stbt_core.get_config("press_until_match", "interval_secs", type_=float) == 3
    assert stbt_core.get_config("press_until_match", "max_presses", type_=int) == 10
    assert _stbt.config._config is not None
    with pytest.raises(stbt_core.ConfigurationError):
        stbt_core.get_config("press", "z")


def test_images_are_named_relative_to_the_pack(tmp_path):
    file = tmp_path / "a.png"
    stbt_core.save_frame(picture(), str(file))
    vars(stbt_core)["TEST_PACK_ROOT"] = str(tmp_path)
    assert stbt_core.load_image(str(file)).relative_filename == "a.png"
