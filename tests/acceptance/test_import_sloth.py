"""The folder of a server of Sloth CI is brought over: its users and apps go on, and nobody else gets in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import PATIENCE
from sloth_farm import Sloth, running

ADA, BOB = ("ada", "correct horse battery"), ("bob", "x:y größe z")
IN_APP = "hunter2-of-the-app"
SLOTH_YML = """\
host: 0.0.0.0
port: 8080
auth:
  - {{login: ada, password: {ada}}}
  - {{login: bob, password: '{bob}'}}
  - {{login: john doe, password: unused}}
  - {{login: eve}}
  - {{login: eva, password:}}
  - {{login: ida, password: 0123}}
paths:
  access_log: sloth_access.log
  db: sloth.db
  configs: ['apps/*.yml', more/web.yml, '{absolute}', 'gone/*.yml', apps/shop.yml]
extensions:
  badge: {{module: shields_io, label: '{{app}}'}}
  robots: {{module: robots_txt, file: null}}
  stats: {{module: stats}}
daemon: true
"""
SHOP = f"""\
id: shop
params: {{password: {IN_APP}, word: hello}}
actions:
  - echo {{word}}
  - !critical test -n "{{password}}"
"""


@dataclass(frozen=True)
class Done:
    """How an ``anyrig import`` ended."""

    status: int
    out: list[str]
    err: str


def imported(folder: Path, data: Path, *more: str) -> Done:
    """As a user does it who stands elsewhere."""
    argv = [sys.executable, "-m", "anyrig", "import", "sloth", str(folder), "--data", str(data), *more]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ANYRIG_")}
    done = subprocess.run(
        argv, cwd="/", env=plain, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Done(done.returncode, done.stdout.splitlines(), done.stderr)


def old_server(home: Path) -> Path:
    """Its folder, whose name is none that a pattern should look into."""
    folder, elsewhere = home / "old [server]", home / "docs.yml"
    for each in ("apps/folder.yml", "more"):
        (folder / each).mkdir(parents=True)
    ada, bob = ADA[1], BOB[1]
    (folder / "sloth.yml").write_text(
        SLOTH_YML.format(ada=ada, bob=bob, absolute=elsewhere), encoding="utf-8"
    )
    apps = {
        "broken.yml": b"id: [",
        "latin.yml": b"id: caf\xe9",
        "shop.yml": SHOP.encode(),
        "twice.yml": b"id: shop",
        "unknown.yml": b"id: u\nextensions: {x: {module: openvz_exec}}",
        "notes.txt": b"id: notes",
    }
    for name, content in apps.items():
        (folder / "apps" / name).write_bytes(content)
    (folder / "more/web.yml").write_text("name: web-site\nactions: ['false']\n")
    elsewhere.write_text("listen_point: /docs/\nactions: ['true']\n")
    return folder


LEFT_OUT = [
    "User john doe was left out: The field 'user' is not valid: ",
    "An entry of auth has no login or no password.",
    "User eva was left out: login or password is not a text.",
    "User ida was left out: login or password is not a text.",
    "paths.configs: there is no file gone/*.yml.",
    "broken.yml was left out: Failed to create app: ",
    "folder.yml was left out: ",
    "latin.yml was left out: 'utf-8' codec can't decode byte 0xe9",
    "twice.yml was left out: Listen point shop is taken",
    "unknown.yml was left out: Could not load extension x: there is no openvz_exec",
    "The extension robots was left out: its options do not fit into a setting.",
    "The extension stats (stats) of the whole server is not there.",
]
SETTINGS = """\
host = "0.0.0.0"
port = 8080

[extensions.badge]
module = "shields_io"
label = "{app}"
"""


def test_what_makes_sense_is_brought_and_the_rest_is_said(tmp_path: Path) -> None:
    done = imported(old_server(tmp_path), tmp_path / "data")
    assert done.status == 0, done.err
    assert done.out == ["user ada (admin)", "user bob (admin)", "build:shop", "build:web-site", "build:docs"]
    for sentence in LEFT_OUT:
        assert done.err.count(sentence) == 1, (sentence, done.err)
    assert SETTINGS in done.err
    assert "notes" not in done.err
    assert len(done.err.split(SETTINGS)[0].strip().splitlines()) == len(LEFT_OUT) + 1


def test_programs_read_the_same_as_json(tmp_path: Path) -> None:
    done = imported(old_server(tmp_path), tmp_path / "data", "--json", "--role", "operator")
    assert (done.status, done.err) == (0, "")
    (line,) = done.out
    said: dict[str, Any] = json.loads(line)
    assert (said["users"], said["builds"]) == (["ada", "bob"], ["shop", "web-site", "docs"])
    assert len(said["troubles"]) == len(LEFT_OUT)
    assert said["settings"] == SETTINGS


@pytest.mark.parametrize(
    ("file", "target", "text"),
    [
        ("sloth.yml", "", "auth: {login: ada, password: pw}\npaths: {configs: apps.yml}\n"),
        (
            "my.yaml",
            "my.yaml",
            "api_auth: {login: ada, password: pw}\npaths: {configs: [apps.yml, '*.yml']}\n",
        ),
    ],
)
def test_one_user_and_one_file_need_no_list(tmp_path: Path, file: str, target: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / "apps.yml").write_text("id: apps")
    done = imported(tmp_path / target, tmp_path / "data", "--role", "operator")
    assert (done.status, done.out) == (0, ["user ada (operator)", "build:apps"])
    assert "left out" not in done.err


@pytest.mark.parametrize(
    ("text", "role", "status", "sentence"),
    [
        (None, "admin", 4, "There is no file '"),
        ("auth: [", "admin", 2, "sloth.yml cannot be read (while parsing"),
        ("- a", "admin", 2, "sloth.yml is not a map of settings"),
        ("host: x", "king", 2, "'king' is not viewer, operator or admin"),
    ],
)
def test_what_cannot_be_brought_at_all_is_said_in_one_sentence(
    tmp_path: Path, text: str | None, role: str, status: int, sentence: str
) -> None:
    if text is not None:
        (tmp_path / "sloth.yml").write_text(text)
    done = imported(tmp_path, tmp_path / "data", "--role", role)
    assert (done.status, done.out) == (status, [])
    assert sentence in done.err
    assert "Traceback" not in done.err


@dataclass(frozen=True)
class Moved:
    """A farm of ours that has what the old server had."""

    sloth: Sloth
    folder: Path

    def as_user(self, user: tuple[str, str], action: str, **more: str) -> httpx.Response:
        form = {"action": action, **more}
        return httpx.post(f"{self.sloth.url}/", data=form, auth=httpx.BasicAuth(*user), timeout=PATIENCE)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    home = tmp_path_factory.mktemp("moved")
    folder = old_server(home)
    assert imported(folder, home / "data").status == 0
    with running(home, 0) as sloth:
        yield Moved(sloth, folder)


def test_the_imported_apps_run_and_know_their_files(moved: Moved) -> None:
    assert moved.as_user(ADA, "list").json() == ["docs", "shop", "web-site"]
    for name, end in (
        ("shop", "Completed 2/2"),
        ("web-site", "None completed: 0/1"),
        ("docs", "Completed 1/1"),
    ):
        assert moved.as_user(ADA, "trigger", listen_point=name, wait="1").json() == end
    info = moved.as_user(BOB, "info", listen_point="shop").json()
    assert (info["config_file"], info["last_build_status_message"]) == (
        str(moved.folder / "apps/shop.yml"),
        "Completed 2/2",
    )
    said = [each["message"] for each in moved.as_user(ADA, "logs", listen_point="shop", level="10").json()]
    assert "stdout: hello\n" in said


def test_a_second_import_changes_nothing(moved: Moved) -> None:
    def standing() -> list[Any]:
        asked = [
            moved.as_user(ADA, action, listen_point=name, per_page="-1", level="10").json()
            for action in ("info", "logs")
            for name in ("docs", "shop", "web-site")
        ]
        return [*asked, moved.as_user(ADA, "list").json()]

    before = standing()
    again = imported(moved.folder, moved.sloth.data)
    assert (again.status, again.out) == (0, ["user ada (admin)", "user bob (admin)"])
    assert "docs.yml was left out: Listen point docs is taken" in again.err
    assert standing() == before
    for user in (ADA, BOB):
        assert moved.as_user(user, "version").status_code == 200


def test_a_password_opens_the_api_of_sloth_ci_alone(moved: Moved) -> None:
    with httpx.Client(base_url=moved.sloth.url, auth=httpx.BasicAuth(*ADA), timeout=PATIENCE) as ada:
        assert ada.post("/", data={"action": "version"}).status_code == 200
        for path, status in (
            ("/api/v3/jobs", 401),
            ("/api/v2/results", 403),
            ("/git/builds.git/info/refs", 401),
        ):
            assert ada.get(path).status_code == status
        bearer = {"authorization": f"Bearer {ADA[1]}"}
        assert ada.get("/api/v3/jobs", headers=bearer, auth=httpx.USE_CLIENT_DEFAULT).status_code == 401


@pytest.mark.parametrize(
    "user",
    [
        ("ada", BOB[1]),
        ("ada", ADA[1].upper()),
        ("eve", ""),
        ("eva", "None"),
        ("ida", "83"),
        ("john doe", "unused"),
    ],
)
def test_other_passwords_do_not(moved: Moved, user: tuple[str, str]) -> None:
    refused = moved.as_user(user, "list")
    assert (refused.status_code, refused.text) == (401, "The access token is missing or not valid.")


def test_who_guesses_is_stopped_and_nobody_else_is(moved: Moved) -> None:
    guesses = [("bob", f"guess {number}") for number in range(30)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda guess: moved.as_user(guess, "list"), guesses))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 25
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.text.startswith("Too many requests; wait ")
    assert moved.as_user(ADA, "list").status_code == 200


def test_nothing_secret_is_anywhere_in_clear(moved: Moved) -> None:
    secrets = [ADA[1], BOB[1], IN_APP]
    files = [each for each in moved.sloth.data.rglob("*") if each.is_file()]
    assert any(file.name == "anyrig.sqlite" for file in files)
    for content in [*(file.read_bytes() for file in files), moved.sloth.program.said().encode()]:
        assert not any(secret.encode() in content for secret in secrets)
