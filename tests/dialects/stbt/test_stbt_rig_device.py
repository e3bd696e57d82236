"""``stbt_rig``, unchanged and from PyPI, on nodes with devices."""

import hashlib
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import until
from PIL import Image
from stbt_client import Done, StbtRig, cloned

if TYPE_CHECKING:
    from tests.dialects.conftest import Screens
    from tests.dialects.stbt.conftest import Portal

TOES = "tests/screen.py::test_ok_moves_the_marker"
ABSENT = "tests/screen.py::test_a_match_that_does_not_come"
MARKER = (255, 255, 0)
PRESSES = """
import sys, requests, stbt_rig
session = requests.Session()
session.headers["Authorization"] = "token " + sys.argv[2]
answer = stbt_rig.Node(stbt_rig.Portal(sys.argv[1], session), "menu").press(*sys.argv[3:])
print(answer.status_code, answer.text)
"""


@pytest.fixture
def rig(stbt_rig_programs: Path, screens: "Screens", tmp_path: Path) -> StbtRig:
    return cloned(stbt_rig_programs, screens.url, screens.token, "screen", screens.node, tmp_path)


def test_screenshot_saves_what_is_on_the_screen(rig: StbtRig) -> None:
    for arguments, name in (((), "screenshot.png"), (("now.png",), "now.png")):
        done = rig("screenshot", *arguments)
        assert done.status == 0, done.out
        assert Image.open(io.BytesIO((rig.pack / name).read_bytes())).size == (960, 400)


def test_a_node_without_a_device_or_that_nobody_knows_has_no_screenshot(rig: StbtRig) -> None:
    done = rig("screenshot", node="local-1")
    assert "HTTP 404 Error: There is no device on node 'local-1'. during GET" in done.out
    assert "HTTP 404 Error: There is no node 'nobody'." in rig("screenshot", node="nobody").out


def test_a_run_has_the_remote_control_that_is_asked_for_and_brings_pictures_and_the_video(
    rig: StbtRig,
) -> None:
    done = rig(
        *("run", "--remote-control", "toes", "--shuffle", "--artifacts", "*.png", "--artifacts", "*.mp4"),
        *("--artifacts", "*.jpg", "--artifacts-dest", "got/{filename}", TOES),
    )
    assert done.status == 0, done.out
    assert {path.name for path in (rig.pack / "got").iterdir()} == {
        "screenshot.png",
        "thumbnail.jpg",
        "video.mp4",
    }
    assert (rig.pack / "got/thumbnail.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert rig("run", "--remote-control", "keyboard", TOES).status == 1


def test_a_run_of_a_revision_has_that_revisions_default_remote_control(rig: StbtRig) -> None:
    done = rig("run", "--test-pack-revision", "toes", "--category", "night", TOES)
    assert done.status == 0, done.out


def test_download_brings_the_video_and_not_a_second_time(rig: StbtRig, watched: "Portal") -> None:
    job = watched.run(ABSENT, node_id="menu")
    watched.finish(job)
    [result] = watched.results(job)
    arguments = ("download", "--artifacts", "video.mp4", "--artifacts-dest", "{result_id}/{basename}")
    assert rig(*arguments, f"job:{job['job_uid']}").status == 0
    video = rig.pack / result["result_id"].lstrip("/") / "video.mp4"
    if not video.exists():
        [video] = rig.pack.rglob("video.mp4")
    listed = watched.json(f"results{result['result_id']}/artifacts")["video.mp4"]
    assert hashlib.md5(video.read_bytes(), usedforsecurity=False).hexdigest() == listed["md5"]
    assert "file is unmodified" in rig(*arguments, f"job:{job['job_uid']}").out


def test_a_node_without_video_refuses_a_run_with_the_reason(rig: StbtRig, watched: "Portal") -> None:
    until(
        lambda: "nothing.mp4" in (watched.json("nodes/blind")["not_available_reason"] or ""),
        "the node knows what is the matter",
    )
    done = rig("run", "--test-pack-revision", "main", TOES, node="blind")
    assert done.status == 1
    assert "HTTP 503 Error: Node blind: no video from " in done.out


def marked(portal: "Portal") -> list[int]:
    picture = Image.open(io.BytesIO(portal.get("nodes/menu/screenshot.png").content)).convert("RGB")
    return [item for item in range(3) if picture.getpixel((65, 65 + 80 * item)) == MARKER]


def test_its_library_presses_keys(rig: StbtRig, watched: "Portal") -> None:
    python = str(rig.programs / "python")
    command = [python, "-c", PRESSES, rig.url, rig.environment["STBT_AUTH_TOKEN"]]
    assert rig.execute([*command, "KEY_BACK", "main", "keyboard"]) == Done(0, "200 {}\n")
    before: list[int] = until(lambda: marked(watched), "an item is marked")
    assert rig.execute([*command, "KEY_OK", "main", "toes"]) == Done(0, "200 {}\n")
    until(lambda: marked(watched) == [(before[0] + 1) % 3], "the next item is marked")
    assert "400 " in rig.execute([*command, "KEY_OK", "main", "fingers"]).out


def test_pytest_runs_each_test_on_the_device(rig: StbtRig) -> None:
    plugins = ("-p", "stbt_rig", "-p", "no:python", "-p", "no:cacheprovider", "--capture=no")
    files = ("--override-ini=python_files=*.py", "--override-ini=python_functions=test_*")
    where = (f"--portal-url={rig.url}", f"--node-id={rig.node}", "--remote-control=toes")
    chosen = ("-v", "-k", "test_ok_moves or test_a_match_that_does_not_come", "tests/screen.py")
    done = rig.execute([str(rig.programs / "pytest"), *plugins, *files, *where, *chosen])
    assert done.status == 1, done.out
    assert "1 failed, 1 passed" in done.out
    assert "Didn't find match for 'tests/absent.png' within 1 seconds." in done.out


@pytest.fixture
def setup(rig: StbtRig) -> list[str]:
    """The second stage of ``stbt_rig.py setup``.

    The first stage makes an environment of stb-tester's own packages: that is not ours to test.
    """
    [program] = rig.programs.parent.glob("lib/*/site-packages/stbt_rig.py")
    shutil.copy(program, rig.pack / "stbt_rig.py")
    subprocess.run([rig.programs / "python", "-m", "venv", "--without-pip", rig.pack / ".venv"], check=True)
    variables = (f"PYTHONPATH={program.parent}", "STBT_RIG_SECOND_STAGE=1")
    return [
        "env",
        *variables,
        ".venv/bin/python",
        "stbt_rig.py",
        "--portal-url",
        rig.url,
        "setup",
        "--vscode",
    ]


def test_setup_checks_the_token_and_asks_which_node_is_ours(rig: StbtRig, setup: list[str]) -> None:
    done = rig.execute(setup, given="4\n")
    assert done.status == 0, done.out
    listed = re.findall(r"^  \d\) (\S+)$", done.out, re.MULTILINE)
    assert listed == ["blind", "fragile", "local-1", "menu"]
    assert "STBT_NODE_ID=menu" in (rig.pack / ".env").read_text().splitlines()
    assert (rig.pack / ".vscode/settings.json").is_file()
