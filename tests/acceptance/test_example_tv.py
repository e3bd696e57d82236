"""The example television, seen as a page of a browser and as a program on an X display."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import ENVIRONMENTS, Program, free_port, until

EXAMPLE = Path(__file__).parents[2] / "examples" / "tv"
PAGE = (EXAMPLE / "app" / "index.html").as_uri()
VERDICTS = {
    "tests/menu.py::test_that_the_home_page_shows_the_logo": "pass",
    "tests/menu.py::test_that_an_arrow_selects_the_next_tile[KEY_RIGHT-Guide]": "pass",
    "tests/live.py::test_that_the_picture_moves": "pass",
    "tests/settings.py::test_that_subtitles_stay_as_they_were_chosen": "fail",
}
"""Found by its logo, read, watched, and found wrong."""
KIOSK = (
    *("--kiosk", "--no-first-run", "--force-device-scale-factor=1", "--force-color-profile=srgb"),
    *("--window-position=0,0", "--window-size=1280,720", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--password-store=basic", "--mute-audio"),
)


def devices(profile: Path) -> str:
    """``anyrig.toml``; a text and a list of texts in JSON are the same in TOML."""
    argv = [_browser(), *KIOSK, f"--user-data-dir={profile}", *(["--no-sandbox"] * (os.geteuid() == 0)), PAGE]
    page, command = json.dumps(PAGE), json.dumps(argv)
    return (
        f'[node.page]\ndevice = {{ kind = "browser", url = {page} }}\n'
        f'[node.kiosk]\ndevice = {{ kind = "x11", command = {command} }}\n'
    )


def _browser() -> str:
    return next(name for name in ("chromium", "chromium-browser", "google-chrome") if shutil.which(name))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """Of a lab with both nodes, once there is something on their screens."""
    data, port = tmp_path / "data", free_port()
    (data / "agent/cache").mkdir(parents=True)
    (ENVIRONMENTS / "python").mkdir(parents=True, exist_ok=True)
    (data / "agent/cache/python").symlink_to(ENVIRONMENTS / "python")
    (data / "anyrig.toml").write_text(devices(tmp_path / "profile"))
    options = ("--data", str(data), "--port", str(port), "--slots", "0", "--pack", f"tv={EXAMPLE}")
    up = Program(tmp_path / "log", "up", *options)
    up.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v3", timeout=70) as http:
            until(lambda: http.get("/openapi.json").is_success, up.said)
            http.headers["Authorization"] = f"Bearer {(data / 'admin.token').read_text().strip()}"
            until(lambda: _all_available(http), lambda: f"{http.get('/nodes').text} {up.said()}")
            yield http
    finally:
        up.stop()


def _all_available(http: httpx.Client) -> bool:
    nodes = http.get("/nodes").json()["nodes"]
    return len(nodes) == 2 and all(node["available"] for node in nodes)


def _verdicts(http: httpx.Client, job: Any) -> dict[str, str]:
    until(lambda: http.get(f"/jobs/{job['number']}/wait").json()["over"], "the job is over", 300)
    results = http.get("/results", params={"filter": f"job:{job['uid']}"}).json()["results"]
    return {result["test"]: result["verdict"] for result in results}


def test_the_example_has_the_same_verdicts_in_a_browser_and_on_an_x_display(client: httpx.Client) -> None:
    wanted = {"project": "tv", "tests": list(VERDICTS), "retries": 0}
    jobs = [client.post("/jobs", json={**wanted, "node": node}).json() for node in ("page", "kiosk")]
    page, kiosk = [_verdicts(client, job) for job in jobs]
    assert page == VERDICTS
    assert kiosk == VERDICTS
