"""Pictures and keys of nodes in the native API, and the commands ``screenshot`` and ``press``."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import until
from PIL import Image

if TYPE_CHECKING:
    from tests.dialects.conftest import Screens
    from tests.dialects.native.conftest import Api, Command

Json = Any
MARKER = (255, 255, 0)


@pytest.fixture(scope="module")
def api(screens: "Screens", api_at: "Callable[[Screens, str], Api]") -> "Api":
    return api_at(screens, screens.token)


@pytest.fixture(scope="module")
def command(screens: "Screens", command_at: "Callable[[Screens], Command]") -> "Command":
    return command_at(screens)


def screen(api: "Api", **params: Json) -> Image.Image:
    answer = api.http.get("/nodes/menu/screenshot", params=params)
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def marked(api: "Api") -> int:
    """Which item of the menu has the marker."""
    found: list[int] = until(
        lambda: [n for n in range(3) if screen(api).convert("RGB").getpixel((65, 65 + 80 * n)) == MARKER],
        "an item is marked",
    )
    return found[0]


def is_next(api: "Api", before: int) -> None:
    until(lambda: marked(api) == (before + 1) % 3, "the next item is marked")


@pytest.mark.parametrize(
    ("params", "form", "size"),
    [
        ({}, "PNG", (960, 400)),
        ({"format": "jpeg"}, "JPEG", (960, 400)),
        ({"width": 240}, "PNG", (240, 100)),
        ({"format": "jpeg", "width": 1920}, "JPEG", (1920, 800)),
    ],
)
def test_a_screenshot_has_the_form_and_the_width_that_are_asked_for(
    api: "Api", params: Json, form: str, size: tuple[int, int]
) -> None:
    answer = api.http.get("/nodes/menu/screenshot", params=params)
    assert answer.headers["content-type"] == f"image/{form.lower()}"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["x-taken"]) <= datetime.now(UTC).timestamp() * 1e6
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size) == (form, size)


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("nobody", {}, 404, "not_found"),
        ("local-1", {}, 404, "not_found"),
        ("blind", {}, 503, "node_troubled"),
        ("menu", {"format": "gif"}, 400, "bad_field"),
        ("menu", {"width": 0}, 400, "invalid"),
        ("menu", {"width": 5000}, 400, "invalid"),
        ("menu", {"width": "wide"}, 400, "bad_field"),
    ],
)
def test_a_screenshot_that_cannot_be_is_a_problem(
    api: "Api", path: str, params: Json, status: int, code: str
) -> None:
    answer = api.http.get(f"/nodes/{path}/screenshot", params=params)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_key_is_pressed(api: "Api") -> None:
    before = marked(api)
    body = {"key": "KEY_DOWN", "hold": 0.1, "remote_control": "keyboard", "revision": "main"}
    answer = api.http.post("/nodes/menu/press", json={**body, "project": "screen"})
    assert (answer.status_code, answer.content) == (204, b"")
    is_next(api, before)


@pytest.mark.parametrize(
    ("node", "body", "status", "code"),
    [
        ("menu", {}, 400, "bad_field"),
        ("menu", {"key": ""}, 400, "invalid"),
        ("menu", {"key": "KEY_OK", "more": 1}, 400, "bad_field"),
        ("menu", {"key": "KEY_OK", "hold": -1}, 400, "invalid"),
        ("menu", {"key": "KEY_NOBODY_HAS"}, 400, "unknown_key"),
        ("menu", {"key": "KEY_OK", "remote_control": "fingers"}, 400, "invalid"),
        ("menu", {"key": "KEY_OK", "revision": "nowhere"}, 404, "revision_not_found"),
        ("blind", {"key": "KEY_OK"}, 400, "no_control"),
        ("local-1", {"key": "KEY_OK"}, 404, "not_found"),
        ("nobody", {"key": "KEY_OK"}, 404, "not_found"),
    ],
)
def test_a_press_that_cannot_be_is_a_problem(
    api: "Api", node: str, body: Json, status: int, code: str
) -> None:
    assert api.post(f"/nodes/{node}/press", body, status)["code"] == code


def test_keys_are_not_for_viewers_nor_for_others_than_who_has_reserved_the_node(
    api: "Api", screens: "Screens", api_at: "Callable[[Screens, str], Api]"
) -> None:
    vera = api_at(screens, screens.new_token("vera", "viewer"))
    jane = api_at(screens, screens.new_token("jane", "operator"))
    assert vera.post("/nodes/menu/press", {"key": "KEY_UP"}, 403)["code"] == "forbidden"
    [made] = jane.post("/reservations", {"nodes": ["menu"]}, 201)["reservations"]
    refused = api.post("/nodes/menu/press", {"key": "KEY_UP"}, 409)
    assert (refused["code"], refused["detail"]) == ("node_reserved", "Node menu is reserved by @jane.")
    assert screen(vera).size == (960, 400)
    assert jane.http.delete(f"/reservations/{made['number']}").is_success


def test_a_node_says_what_its_device_is_and_what_is_the_matter(api: "Api") -> None:
    menu, blind = api.get("/nodes/menu"), api.get("/nodes/blind")
    assert menu["device"] == {"kind": "x11", "control": "x11", "width": 960, "height": 400}
    assert (menu["trouble"], menu["available"]) == (None, True)
    assert (blind["device"]["kind"], blind["device"]["control"]) == ("video", None)
    assert blind["trouble"].startswith("no video ")
    assert blind["not_available_reason"] == f"Node blind: {blind['trouble']}."
    assert api.get("/nodes/local-1")["device"] is None


def test_a_job_passes_over_a_node_without_a_picture_and_one_for_it_alone_waits(api: "Api") -> None:
    wanted = {"project": "screen", "tests": ["tests/screen.py::test_does_not_look"]}
    for_it = api.post("/jobs", {**wanted, "node": "blind"}, 201)
    [task] = api.get(f"/jobs/{for_it['number']}/tasks")["tasks"]
    assert task["state"] == "queued"
    assert task["reason"].startswith("Node blind: no video ")
    assert api.finish(api.post("/jobs", wanted, 201))["verdict"] == "pass"
    assert api.post("/jobs", {**wanted, "node": "blind", "queue": False}, 503)["code"] == "node_troubled"
    api.post(f"/jobs/{for_it['number']}/stop")


def test_the_document_has_both(api: "Api") -> None:
    paths = api.get("/openapi.json")["paths"]
    picture = paths["/nodes/{name}/screenshot"]["get"]["responses"]["200"]["content"]
    assert set(picture) == {"image/png", "image/jpeg"}
    assert "204" in paths["/nodes/{name}/press"]["post"]["responses"]


def test_a_command_saves_a_screenshot(command: "Command", tmp_path: Path) -> None:
    png, jpeg = tmp_path / "now.png", tmp_path / "now.jpg"
    assert command.run("screenshot", "menu", str(png)) == (f"{png}\n", "")
    with Image.open(png) as picture:
        assert picture.size == (960, 400)
    out, _ = command.run("screenshot", "menu", str(jpeg), "--width", "240", "--json")
    told = json.loads(out)
    assert (told["node"], told["file"], told["size"]) == ("menu", str(jpeg), jpeg.stat().st_size)
    assert datetime.fromisoformat(told["taken"]) <= datetime.now(UTC)
    with Image.open(jpeg) as picture:
        assert (picture.format, picture.size) == ("JPEG", (240, 100))


def test_a_command_presses_keys_one_after_the_other(command: "Command", api: "Api") -> None:
    before = marked(api)
    keys = ("KEY_DOWN", "KEY_DOWN", "KEY_UP")
    out, err = command.run("press", "menu", *keys, "--remote-control", "keyboard", "--hold", "0.1", "--json")
    assert [json.loads(line) for line in out.splitlines()] == [{"node": "menu", "key": key} for key in keys]
    assert not err
    is_next(api, before)
    assert command.run("press", "menu", "KEY_UP") == ("", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("screenshot", "nobody"), 4, "There is no node 'nobody'."),
        (("screenshot", "a/b c"), 4, ""),
        (("screenshot", "local-1"), 4, "There is no device on node 'local-1'."),
        (("screenshot", "blind"), 3, "Node blind: no video "),
        (("screenshot", "menu", "/no/such/folder/x.png"), 2, "cannot be written: No such file or directory."),
        (("press", "menu", "KEY_NOBODY_HAS"), 2, "has no key 'KEY_NOBODY_HAS'."),
        (("press", "blind", "KEY_OK"), 2, "has nothing that presses keys."),
        (("press", "menu", "KEY_OK", "--revision", "nowhere"), 4, "'nowhere'"),
    ],
)
def test_a_command_that_is_refused_says_why(
    command: "Command", arguments: tuple[str, ...], code: int, said: str
) -> None:
    out, err = command.run(*arguments, code=code)
    assert not out
    assert err.startswith("anyrig: ")
    assert said in err
    assert err.count("\n") == 1
