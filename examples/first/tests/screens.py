"""Looks at saved pictures of a television with stbt_core's image matching."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import stbt_core as stbt

ENTRIES = ["Live", "Guide", "Settings"]


def screen(selected):
    """A menu of three entries, one of them highlighted, as a camera would see it."""
    frame = np.full((720, 1280, 3), 32, np.uint8)
    for number, entry in enumerate(ENTRIES):
        left, base = 160, 200 + 140 * number
        if entry == selected:
            cv2.rectangle(frame, (left - 20, base - 75), (left + 540, base + 25), (0, 140, 255), -1)
        colour = (255, 255, 255) if entry == selected else (120, 120, 120)
        cv2.putText(frame, entry, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 2.5, colour, 6, cv2.LINE_AA)
    return frame


def highlighted(entry):
    """The reference image: just this entry, cut out of a screen where it is selected."""
    top = 120 + 140 * ENTRIES.index(entry)
    return screen(entry)[top : top + 110, 140:720]


def save(frame):
    cv2.imwrite("screenshot.png", frame)


def test_that_the_menu_opens_on_live():
    frame = screen("Live")
    save(frame)
    found = stbt.match(highlighted("Live"), frame=frame)
    print("match:", found)
    assert found, "Live is not selected"


@pytest.mark.parametrize("entry", ENTRIES)
def test_that_each_entry_can_be_selected(entry):
    frame = screen(entry)
    save(frame)
    assert stbt.match(highlighted(entry), frame=frame), f"{entry} is not selected"


def test_that_the_guide_is_selected_after_pressing_down():
    """Fails: this television stays where it is. The reason and the picture are in the result."""
    frame = screen("Live")
    save(frame)
    assert stbt.match(highlighted("Guide"), frame=frame), "Guide is not selected"


def test_that_needs_a_missing_file():
    """Ends in an error: the test could not tell whether the product is right."""
    Path("missing-reference.png").read_bytes()


def test_that_leaves_files_behind():
    folder = Path("frames")
    folder.mkdir()
    for number, entry in enumerate(ENTRIES):
        cv2.imwrite(str(folder / f"{number}.png"), screen(entry))
    Path("notes.txt").write_text(f"model: {stbt.get_config('result.tags', 'model', 'unknown')}\n")
