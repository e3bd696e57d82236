"""Nodes with devices: what is on their screens, and their keys."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lab import until
from PIL import Image

if TYPE_CHECKING:
    from tests.dialects.stbt.conftest import Portal

Json = Any
BACKGROUND, MARKER = (0x20, 0x30, 0x40), (255, 255, 0)
ITEMS = 3
KEYBOARD = {"remote_control": "keyboard"}


def press(portal: "Portal", body: Json, status: int = 200, node: str = "menu") -> str:
    answer = portal.http.post(f"/api/v2/nodes/{node}/press", json=body)
    assert answer.status_code == status, answer.text
    return answer.text


def screen(portal: "Portal") -> Image.Image:
    return Image.open(io.BytesIO(portal.get("nodes/menu/screenshot.png").content)).convert("RGB")


def marks(portal: "Portal", item: int) -> bool:
    """Whether the item of the menu, the first is 0, has the marker."""
    return screen(portal).getpixel((65, 65 + 80 * item)) == MARKER


@pytest.fixture
def menu(watched: "Portal") -> "Portal":
    """With the first item marked."""
    press(watched, {"key": "KEY_BACK", **KEYBOARD})
    until(lambda: screen(watched).getpixel((5, 5)) == BACKGROUND, "the menu is there")
    found: list[int] = until(lambda: [n for n in range(ITEMS) if marks(watched, n)], "an item is marked")
    for _ in range(found[0]):
        press(watched, {"key": "KEY_UP", **KEYBOARD})
    until(lambda: marks(watched, 0), "the first item is marked")
    return watched


def user(portal: "Portal", name: str, role: str) -> httpx.Client:
    return portal.farm.client(portal.farm.new_token(name, role))


@pytest.fixture
def jane(watched: "Portal") -> Iterator[httpx.Client]:
    with user(watched, "jane", "operator") as client:
        yield client


def test_a_screenshot_is_a_png_of_what_is_on_the_screen(menu: "Portal") -> None:
    answer = menu.get("nodes/menu/screenshot.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size) == ("PNG", (960, 400))
    assert marks(menu, 0)


def test_a_thumbnail_is_a_jpeg_640_pixels_wide(menu: "Portal") -> None:
    answer = menu.get("nodes/menu/thumbnail.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size) == ("JPEG", (640, 267))
    assert len(answer.content) < len(menu.get("nodes/menu/screenshot.png").content)


@pytest.mark.parametrize("picture", ["screenshot.png", "thumbnail.jpg"])
def test_who_looks_at_a_node_is_its_last_user(watched: "Portal", picture: str) -> None:
    before = datetime.now(UTC)
    watched.get(f"nodes/menu/{picture}")
    with user(watched, f"looker-{picture.partition('.')[0]}", "viewer") as viewer:
        assert viewer.get(f"/api/v2/nodes/menu/{picture}").status_code == 200
    node = watched.json("nodes/menu")
    assert node["last_used_by"] == f"looker-{picture.partition('.')[0]}"
    assert before <= datetime.fromisoformat(node["last_used_time"]) <= datetime.now(UTC)


def test_a_key_is_pressed_and_who_did_it_is_the_last_user(menu: "Portal", jane: httpx.Client) -> None:
    answer = jane.post("/api/v2/nodes/menu/press", json={"key": "KEY_DOWN", **KEYBOARD})
    assert (answer.status_code, answer.json()) == (200, {})
    until(lambda: marks(menu, 1), "the second item is marked")
    with user(menu, "joe", "operator") as joe:
        joe.post("/api/v2/nodes/menu/press", json={"key": "KEY_UP"}).raise_for_status()
    assert menu.json("nodes/menu")["last_used_by"] == "joe"


def test_the_body_of_a_press_is_json_whatever_its_type_says(menu: "Portal") -> None:
    answer = menu.http.post("/api/v2/nodes/menu/press", content=b'{"key": "KEY_DOWN", "more": "ignored"}')
    assert answer.status_code == 200
    until(lambda: marks(menu, 1), "the second item is marked")


@pytest.mark.parametrize(
    "body",
    [
        {"key": "KEY_OK", "remote_control": "toes"},
        {"key": "KEY_OK", "remote_control": "toes", "test_pack_revision": "main"},
        {"key": "KEY_OK", "test_pack_revision": "toes"},
    ],
)
def test_a_key_is_what_the_remote_control_of_the_revision_calls_it(menu: "Portal", body: Json) -> None:
    press(menu, body)
    until(lambda: marks(menu, 1), "the second item is marked")
    press(menu, {"key": "KEY_OK", "test_pack_revision": "main"})
    until(lambda: marks(menu, 2), "a revision without a default leaves the remote control as it was")
    press(menu, {"key": "KEY_BACK", **KEYBOARD})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "The field 'key' is not valid: it is missing."),
        ({"key": ""}, "The field 'key' is not valid: it is empty."),
        ({"key": 7}, "The field 'key' is not valid: it is not a text."),
        ({"key": "KEY_OK", "remote_control": ["x"]}, "The field 'remote_control' is not valid"),
        ({"key": "KEY_OK", "test_pack_revision": 1}, "The field 'test_pack_revision' is not valid"),
        ({"key": "KEY_OK", "hold_secs": "long"}, "The field 'hold_secs' is not valid"),
        ({"key": "KEY_OK", "hold_secs": 61}, "a key can be held for at most 60 s"),
        ({"key": "KEY_NOBODY_HAS"}, "has no key 'KEY_NOBODY_HAS'."),
        ({"key": "KEY_WRONG", **KEYBOARD}, "has no key 'NoSuchKeysym'."),
        ({"key": "KEY_OK", "remote_control": "fingers"}, "no remote control 'fingers' in the test pack"),
        ({"key": "KEY_OK", "remote_control": "../x"}, "'../x' does not name a remote control"),
    ],
)
def test_a_press_that_makes_no_sense_is_a_bad_request(watched: "Portal", body: Json, said: str) -> None:
    sentence = press(watched, body, 400)
    assert said in sentence
    assert sentence.endswith(".")


def test_a_press_needs_a_node_with_a_device_a_control_and_a_revision(watched: "Portal") -> None:
    ok = {"key": "KEY_OK"}
    assert press(watched, ok, 404, "nobody") == "There is no node 'nobody'."
    assert press(watched, ok, 404, "local-1") == "There is no device on node 'local-1'."
    assert "has nothing that presses keys" in press(watched, ok, 400, "blind")
    assert "'nowhere'" in press(watched, {**ok, "test_pack_revision": "nowhere"}, 404)
    assert "'nothing'" in press(watched, {**ok, **KEYBOARD, "project": "nothing"}, 404)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"KEY_OK"'])
def test_a_body_that_is_no_json_object_is_a_bad_request(watched: "Portal", body: bytes) -> None:
    answer = watched.http.post("/api/v2/nodes/menu/press", content=body)
    assert (answer.status_code, "JSON" in answer.text) == (400, True)


def test_a_viewer_looks_and_presses_nothing(watched: "Portal") -> None:
    with user(watched, "vera", "viewer") as vera:
        refused = vera.post("/api/v2/nodes/menu/press", json={"key": "KEY_OK"})
        sentence = "vera (role viewer) is not allowed to press keys."
        assert (refused.status_code, refused.text) == (403, sentence)
        assert vera.get("/api/v2/nodes/menu/screenshot.png").status_code == 200


def test_keys_of_a_reserved_node_are_its_owners_alone(menu: "Portal", jane: httpx.Client) -> None:
    wanted = {"node_ids": ["menu"], "message": "Mine"}
    made = jane.post("/api/v2/reservations", json=wanted).json()["reservations"][0]
    try:
        assert press(menu, {"key": "KEY_DOWN"}, 409) == "Node menu is reserved by @jane."
        assert menu.get("nodes/menu/screenshot.png")
        jane.post("/api/v2/nodes/menu/press", json={"key": "KEY_DOWN"}).raise_for_status()
        until(lambda: marks(menu, 1), "the second item is marked")
    finally:
        jane.delete(f"/api/v2/reservations/{made['reservation_id']}").raise_for_status()


def test_keys_can_be_pressed_while_a_test_runs(menu: "Portal") -> None:
    job = menu.run("tests/endless.py::test_watches", node_id="menu")
    press(menu, {"key": "KEY_DOWN", **KEYBOARD})
    until(lambda: marks(menu, 1), "the second item is marked")
    menu.stop(job)
