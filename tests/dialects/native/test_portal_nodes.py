"""The portal's pages of what has a screen: a node, a job that runs there, a result with a video."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from lab import until
from PIL import Image

if TYPE_CHECKING:
    from tests.dialects.conftest import Screens


@pytest.fixture(scope="module")
def browser(screens: "Screens") -> Iterator[httpx.Client]:
    with screens.client() as client:
        client.headers["origin"] = screens.url
        yield client


def page(browser: httpx.Client, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def screen(browser: httpx.Client) -> bytes:
    answer = browser.get("/app/node/menu/picture", params={"width": "320"})
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_node_shows_its_screen_its_keys_and_its_configuration(browser: httpx.Client) -> None:
    text = page(browser, "/app/node/menu")
    assert 'data-live="/app/node/menu/picture?width=960"' in text
    assert 'data-press="/app/node/menu/press"' in text
    assert {"KEY_OK", "KEY_UP", "KEY_0"} <= set(re.findall(r'data-key="(\w+)"', text))
    assert "device_type" in text
    assert 'href="/app/node/menu"' in page(browser, "/app/nodes")


def test_who_only_looks_sees_the_screen_and_no_keys(screens: "Screens") -> None:
    with screens.client(screens.new_token("vera", "viewer")) as viewer:
        text = page(viewer, "/app/node/menu")
        assert "data-live" in text
        assert "data-key" not in text
        assert screen(viewer)
        viewer.headers["origin"] = screens.url
        refused = viewer.post("/app/node/menu/press", json={"key": "KEY_OK"})
        assert refused.status_code == 403


def test_a_picture_is_a_jpeg_as_wide_as_asked_for(browser: httpx.Client) -> None:
    image = Image.open(io.BytesIO(screen(browser)))
    assert (image.format, image.width) == ("JPEG", 320)
    odd = browser.get("/app/node/menu/picture", params={"width": "<script>"})
    assert Image.open(io.BytesIO(odd.content)).width == 640


@pytest.mark.parametrize(
    ("node", "status", "word"),
    [("nobody", 404, "nobody"), ("local-1", 404, "local-1"), ("blind", 503, "no video from ")],
)
def test_where_there_is_no_picture_one_sentence_says_why(
    browser: httpx.Client, node: str, status: int, word: str
) -> None:
    answer = browser.get(f"/app/node/{node}/picture")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert word in answer.text


def test_a_node_without_a_picture_says_so_first(browser: httpx.Client) -> None:
    until(lambda: "no video from " in page(browser, "/app/node/blind"), "the node knows its trouble")
    assert "no video from " in page(browser, "/app/nodes")


def test_a_node_without_a_device_has_no_screen(browser: httpx.Client) -> None:
    text = page(browser, "/app/node/local-1")
    assert "data-live" not in text
    assert "has no device" in text


def test_a_node_that_is_not_known_is_no_page(browser: httpx.Client) -> None:
    assert "nobody" in page(browser, "/app/node/nobody", 404)


def test_a_key_of_the_page_reaches_the_device(browser: httpx.Client) -> None:
    before = screen(browser)
    answer = browser.post("/app/node/menu/press", json={"key": "Down"})
    assert (answer.status_code, answer.text) == (204, "")
    until(lambda: screen(browser) != before, "the picture changes")


def test_a_key_that_does_not_exist_is_told_in_one_sentence(browser: httpx.Client) -> None:
    answer = browser.post("/app/node/menu/press", json={"key": "KEY_<b>"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "KEY_<b>" in answer.text


def test_another_sites_page_presses_nothing(browser: httpx.Client) -> None:
    answer = browser.post(
        "/app/node/menu/press", json={"key": "Down"}, headers={"origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403


def test_a_result_has_its_log_beside_its_video(browser: httpx.Client) -> None:
    wanted = {"tests": ["tests/screen.py::test_a_match_that_does_not_come"], "node": "menu"}
    job = browser.post("/api/v3/jobs", json=wanted).json()
    running = page(browser, f"/app/job/{job['number']}")
    ended = browser.get(f"/api/v3/jobs/{job['number']}/wait").json()
    while not ended["ended"]:
        ended = browser.get(f"/api/v3/jobs/{job['number']}/wait").json()
    assert 'data-live="/app/node/menu/picture?width=480"' in running
    assert "data-live" not in page(browser, f"/app/job/{job['number']}")
    (result,) = browser.get("/api/v3/results", params={"filter": f"job:{job['uid']}"}).json()["results"]
    text = page(browser, f"/app/result{result['result_id']}")
    assert re.search(r'<video id="video"[^>]* src="[^"]*/video\.mp4" poster="[^"]*/thumbnail\.jpg"', text)
    times = [float(at) for at in re.findall(r'<li data-at="([0-9.]+)"', text)]
    assert times
    assert times == sorted(times)
    assert times[-1] <= result["seconds"]
    assert text.index('id="video"') < text.index('id="lines"') < text.index("<h2>Traceback")
