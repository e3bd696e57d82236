"""A live farm: ``anyrig up`` in processes of its own, with a test pack, four nodes and a client for HTTP."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from lab import ENVIRONMENTS, until
from xserver import XServer

PACK = Path(__file__).parent.parent / "packs" / "tv"
SCREEN_PACK = PACK.parent / "screen"
HOLD_SECONDS = 1
"""How long the farm holds a long poll: long enough to be told from an answer that comes at once."""
_PATIENCE = 60.0
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("ANYRIG_", "STBT_"))}
"""For programs: what our own settings or those of a client say does not reach them."""


@dataclass(frozen=True)
class Farm:
    """Where it is, and who may use it."""

    url: str
    token: str
    """The admin's."""
    data: Path
    pack: Path
    """The work tree that the project ``tv`` follows."""
    node: str
    other_node: str
    """Is never used."""
    new_node: str
    """For whoever wants to be the first to use it."""
    spare_node: str
    """For whoever needs two."""

    def client(self, token: str | None = None, scheme: str = "token") -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"{scheme} {token or self.token}"}, timeout=60
        )

    def new_token(self, user: str, role: str, projects: list[str] | None = None) -> str:
        """A token of its own for the user; None: for all projects."""
        wanted = {"user": user, "role": role, "projects": projects}
        with self.client() as client:
            made = client.post("/api/v3/tokens", json=wanted)
            assert made.status_code == 201, made.text
            return str(made.json()["token"])

    def sha(self, revision: str = "HEAD") -> str:
        return git(self.pack, "rev-parse", revision)


def git(folder: Path, *arguments: str) -> str:
    """What git says, without the newline at the end."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=30, env=ENVIRONMENT | _GIT
    ).stdout.rstrip("\n")


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work tree with a commit on ``main``, a branch with a slash in its name, and a tag."""
    folder = tmp_path_factory.mktemp("packs") / "tv"
    shutil.copytree(PACK, folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Tests")
    git(folder, "tag", "v1")
    git(folder, "switch", "--quiet", "--create", "feature/more")
    (folder / "tests/more.py").write_text("def test_more():\n    pass\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=More")
    git(folder, "switch", "--quiet", "main")
    return folder


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Iterator[Farm]:
    data = tmp_path_factory.mktemp("farm")
    arguments = ["--data", str(data), "--port", "0", "--slots", "4", "--pack", f"tv={pack}"]
    with _running("up", *arguments, log=data / "log") as url:
        token = (data / "admin.token").read_text().strip()
        yield Farm(url, token, data, pack, "local-1", "local-2", "local-3", "local-4")


@dataclass(frozen=True)
class Screens(Farm):
    """A farm whose nodes have devices: see ``screens``."""

    display: XServer
    """Of ``fragile``."""
    fragile: str
    blind: str


@pytest.fixture(scope="session")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    """Node ``menu`` shows one, the display of ``fragile`` can be taken away, ``blind`` gives no picture.

    ``local-1`` has no device.
    """
    folder = tmp_path_factory.mktemp("screens")
    pack, data, display = _screen_pack(folder / "pack"), folder / "data", XServer()
    display.start()
    (data / "agent/cache").mkdir(parents=True)
    (ENVIRONMENTS / "python").mkdir(parents=True, exist_ok=True)
    (data / "agent/cache/python").symlink_to(ENVIRONMENTS / "python")
    (data / "anyrig.toml").write_text(
        DEVICES.format(menu=SCREEN_PACK / "menu.py", display=display.display, nothing=folder / "nothing.mp4")
    )
    arguments = ["--data", str(data), "--port", "0", "--slots", "1", "--pack", f"screen={pack}"]
    try:
        with _running("up", *arguments, log=folder / "log") as url:
            token = (data / "admin.token").read_text().strip()
            made = Screens(
                *(url, token, data, pack),
                *("menu", "local-1", "local-1", "local-1"),
                *(display, "fragile", "blind"),
            )
            with made.client() as client:
                until(lambda: _shows(client, "menu") and _shows(client, "fragile"), "there are pictures")
            yield made
    finally:
        display.stop()


def _shows(client: httpx.Client, node: str) -> bool:
    return bool(client.get(f"/api/v2/nodes/{node}").json()["available"])


DEVICES = """
# The pointer is in the middle: it must be on the menu, which has 640 x 360 pixels, or keys go nowhere.
[node.menu]
device = {{ kind = "x11", size = "960x400", command = ["python3", "{menu}"] }}

[node.fragile]
device = {{ kind = "x11", size = "640x360", fps = 5, display = "{display}" }}

[node.blind]
device = {{ kind = "video", input = "{nothing}" }}
"""


def _screen_pack(folder: Path) -> Path:
    """A work tree; on its branch ``toes`` another remote control is the default one."""
    shutil.copytree(SCREEN_PACK, folder)
    config = "[test_pack]\nstbt_version = 34\npython_version = 3.11\n"
    (folder / ".stbt.conf").write_text(config)
    (folder / "config/test-farm").mkdir()
    (folder / "config/test-farm/menu.conf").write_text("[device_under_test]\ndevice_type = menu\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Tests")
    git(folder, "switch", "--quiet", "--create", "toes")
    (folder / ".stbt.conf").write_text(f"{config}default_remote_control = toes\n")
    git(folder, "commit", "--quiet", "--all", "--message=Toes")
    git(folder, "switch", "--quiet", "main")
    return folder


@contextmanager
def _running(*arguments: str, log: Path) -> Iterator[str]:
    """The URL of a server that ends when it is asked to, with status 0."""
    settings = {"ANYRIG_HOLD_SECONDS": str(HOLD_SECONDS), "PYTHONUNBUFFERED": "1"}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "anyrig", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=ENVIRONMENT | settings,
        ) as process,
    ):
        try:
            yield _ready(process, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(_PATIENCE) == 0, log.read_text()
        finally:
            process.kill()


def _ready(process: "subprocess.Popen[str]", log: Path) -> str:
    killer = threading.Timer(_PATIENCE, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready "):
                return line.split()[1]
    finally:
        killer.cancel()
    raise AssertionError(log.read_text())
