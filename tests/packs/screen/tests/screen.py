"""What stbt_core can do with a device."""

import time

import numpy
import pytest
import stbt
from remote import Menu, home


def test_a_menu_is_matched_and_read():
    menu = home()
    assert stbt.match("marker.png")
    assert menu
    assert menu.focus == "Guide"
    assert stbt.match_text("Films")
    assert not stbt.is_screen_black()


def test_keys_move_it():
    home()
    moved = stbt.press_and_wait("KEY_DOWN", stable_secs=0.5)
    assert moved
    assert moved.duration < 5
    assert moved.frame.time >= moved.press_time
    assert Menu(frame=moved.frame).focus == "Films"
    press = stbt.last_keypress()
    assert (press.key, press.end_time) == ("KEY_DOWN", moved.press_time)
    assert press.frame_before.time < press.end_time


def test_nothing_moves():
    home()
    assert stbt.press_and_wait("KEY_F", timeout_secs=1).status == stbt.TransitionStatus.START_TIMEOUT


def test_ok_moves_the_marker():
    home()
    assert Menu(frame=stbt.press_and_wait("KEY_OK", stable_secs=0.5).frame)


def test_presses_until_it_matches():
    home()
    stbt.press("KEY_OK")
    assert stbt.wait_until(lambda: not Menu())
    assert stbt.press_until_match("KEY_BACK", "marker.png", interval_secs=1, max_presses=3)


def test_is_black():
    home()
    stbt.press("KEY_UP")
    stbt.press("KEY_OK")
    assert stbt.wait_until(stbt.is_screen_black)
    stbt.press("KEY_BACK")


def test_held_keys():
    stbt.press("KEY_PLAY", hold_secs=1.5)
    held = stbt.last_keypress()
    assert 1.5 <= held.end_time - held.start_time < 4
    with stbt.pressing("KEY_PLAY") as press:
        stbt.wait_for_motion(timeout_secs=10)
        assert press.end_time is None
    assert press.end_time > press.start_time
    assert stbt.wait_for_transition_to_end(stable_secs=0.5)


def test_keys_are_not_pressed_sooner_than_the_device_can_take_them():
    first, second = (stbt.press("KEY_BACK", interpress_delay_secs=1) for _ in range(2))
    assert second.start_time - first.end_time >= 0.9


def test_times_are_of_this_clock():
    before = time.time()
    frames = [frame for frame, _ in zip(stbt.frames(), range(4))]
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert before - 1 < times[0] <= times[-1] <= time.time()
    assert len(list(stbt.frames(timeout_secs=0.5))) > 2


def test_frames_are_not_for_writing():
    frame = stbt.get_frame()
    assert (frame.shape, frame.dtype, frame.region) == ((360, 640, 3), numpy.uint8, stbt.Region(0, 0, 640, 360))
    with pytest.raises(ValueError):
        frame[0, 0] = 0
    with pytest.raises(ValueError):
        frame.flags.writeable = True
    stbt.save_frame(frame, "frame.png")
    assert (stbt.load_image("frame.png") == frame).all()


def test_a_key_that_is_not_there():
    stbt.press("KEY_WRONG")


def test_a_match_that_does_not_come():
    stbt.wait_for_match("absent.png", timeout_secs=1)


def test_sees_the_menu_then_the_page_and_fails_with_the_menu():
    home()
    result = stbt.match("marker.png")
    stbt.press("KEY_OK")
    assert stbt.wait_until(lambda: not Menu())
    raise AssertionError("it was there", result)


def test_takes_its_own_screenshot():
    stbt.get_frame()
    with open("screenshot.png", "w") as file:
        file.write("mine")


def test_does_not_look():
    assert True
