"""Tests on nodes with devices: which remote control they have, what they leave, and what no video means."""

import io
from typing import TYPE_CHECKING, Any

import pytest
from lab import until
from PIL import Image

if TYPE_CHECKING:
    from tests.dialects.conftest import Screens
    from tests.dialects.stbt.conftest import Portal

Json = Any
READS = "tests/screen.py::test_a_menu_is_matched_and_read"
TOES = "tests/screen.py::test_ok_moves_the_marker"
WATCHES = "tests/endless.py::test_watches"


@pytest.fixture(scope="module")
def ran(watched: "Portal") -> Json:
    """The details of the results of two tests, run with a keyboard as the remote control."""
    job = watched.run(READS, TOES, node_id="menu", remote_control="keyboard")
    watched.finish(job)
    return [watched.json(f"results{result['result_id']}") for result in watched.results(job)]


def test_a_test_sees_the_screen_and_presses_its_remote_controls_keys(ran: Json, watched: "Portal") -> None:
    reads, moves = ran
    assert reads["result"] == "pass", reads["traceback"]
    assert moves["result"] == "fail"
    job = watched.run(TOES, node_id="menu", remote_control="toes")
    assert watched.finish(job)["result_counts"]["pass"] == 1


def test_the_default_remote_control_is_that_of_the_revision(watched: "Portal") -> None:
    job = watched.run(TOES, node_id="menu", test_pack_revision="toes")
    assert watched.finish(job)["result_counts"]["pass"] == 1


@pytest.mark.parametrize(
    ("name", "media_type", "begin"),
    [
        ("screenshot.png", "image/png", b"\x89PNG\r\n"),
        ("thumbnail.jpg", "image/jpeg", b"\xff\xd8\xff"),
        ("video.mp4", "video/mp4", b"ftyp"),
    ],
)
def test_a_result_has_pictures_and_a_video(
    watched: "Portal", ran: Json, name: str, media_type: str, begin: bytes
) -> None:
    for result in ran:
        answer = watched.get(f"results{result['result_id']}/artifacts/{name}")
        assert answer.headers["content-type"] == media_type
        assert begin in answer.content[:12]
        assert result["artifacts"][name]["size"] == len(answer.content)


@pytest.mark.parametrize(
    ("name", "form", "size"), [("screenshot.png", "PNG", (960, 400)), ("thumbnail.jpg", "JPEG", (640, 267))]
)
def test_the_picture_at_the_end_of_a_test_has_an_address_of_its_own(
    watched: "Portal", ran: Json, name: str, form: str, size: tuple[int, int]
) -> None:
    answer = watched.get(f"results{ran[0]['result_id']}/{name}")
    assert answer.headers["content-type"] == f"image/{form.lower()}"
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size) == (form, size)
    assert answer.content == watched.get(f"results{ran[0]['result_id']}/artifacts/{name}").content


def test_a_part_of_a_video_can_be_asked_for(watched: "Portal", ran: Json) -> None:
    url = f"/api/v2/results{ran[0]['result_id']}/artifacts/video.mp4"
    answer = watched.http.get(url, headers={"Range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, b"ftyp")


def test_a_node_with_a_device_tells_its_job_and_its_configuration(watched: "Portal", ran: Json) -> None:
    node = watched.json("nodes/menu")
    assert (node["available"], node["not_available_reason"], node["online"]) == (True, None, True)
    assert node["config"] == {"device_under_test": {"device_type": "menu"}}
    assert node["device_type"] == "menu"
    assert node["job"]["status"] == "exited"


def blind(portal: "Portal") -> Json:
    """The node without a picture, once it knows why it has none."""

    def knows() -> Json:
        node = portal.json("nodes/blind")
        return node if "nothing.mp4" in node["not_available_reason"] else None

    return until(knows, "a reason")


def test_a_node_without_video_is_online_and_says_why_it_cannot_be_used(watched: "Portal") -> None:
    node = blind(watched)
    sentence = node["not_available_reason"]
    assert (node["available"], node["online"]) == (False, True)
    assert sentence.startswith("Node blind: no video from ")
    for picture in ("screenshot.png", "thumbnail.jpg"):
        assert watched.get(f"nodes/blind/{picture}", 503).text == sentence
    assert watched.run(READS, node_id="blind", status=503) == sentence
    wanted = {"node_ids": ["blind"], "message": "Mine"}
    refused = watched.http.post("/api/v2/reservations", json=wanted)
    assert (refused.status_code, "no video from " in refused.text) == (409, True)
    assert watched.json("nodes/blind")["job"] is None


def test_a_test_that_loses_the_picture_is_an_error_and_the_node_waits_until_it_is_back(
    watched: "Portal", screens: "Screens"
) -> None:
    job = watched.run(WATCHES, node_id="fragile")
    until(lambda: "watching" in watched.get(f"jobs{job['job_uid']}/log").text, "it watches")
    screens.display.stop()
    try:
        watched.finish(job)
        [result] = watched.results(job)
        assert (result["result"], result["failure_reason"][:20]) == ("error", "no video from x11 di")
        until(lambda: not watched.json("nodes/fragile")["available"], "the node is out of use")
        sentence = watched.json("nodes/fragile")["not_available_reason"]
        assert sentence.startswith(f"Node fragile: no video from x11 display {screens.display.display}")
        assert watched.run(READS, node_id="fragile", status=503).startswith("Node fragile: no video from ")
        wanted = {"project": "screen", "node": "fragile", "tests": ["tests/screen.py::test_does_not_look"]}
        queued = watched.http.post("/api/v3/jobs", json=wanted).json()
        [task] = watched.http.get(f"/api/v3/jobs/{queued['number']}/tasks").json()["tasks"]
        assert (task["state"], task["reason"][:28]) == ("queued", "Node fragile: no video from ")
    finally:
        screens.display.start()
    until(lambda: watched.json(f"jobs{queued['uid']}")["result_counts"]["pass"] == 1, "the test has run")
