"""``stbt_rig``, the client of stb-tester's users, unchanged and from PyPI."""

import fcntl
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import uv

REQUIREMENTS = ("stbt_rig==33.1.0", "pytest==8.3.4")
PATIENCE = 60.0


def installed() -> Path:
    """The folder of the programs of an environment that has it; made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anyrig/test-envs"
    cache.mkdir(parents=True, exist_ok=True)
    folder, done = cache / "stbt_rig", cache / "stbt_rig.done"
    with (cache / "stbt_rig.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != " ".join(REQUIREMENTS):
            program = uv.find_uv_bin()
            subprocess.run([program, "venv", "--quiet", "--clear", str(folder)], check=True, timeout=120)
            install = [program, "pip", "install", "--quiet", "--python", str(folder / "bin/python")]
            subprocess.run([*install, *REQUIREMENTS], check=True, timeout=300)
            done.write_text(" ".join(REQUIREMENTS))
    return folder / "bin"


@dataclass(frozen=True)
class Done:
    status: int
    out: str


@dataclass(frozen=True)
class StbtRig:
    """A user with a clone of the test pack."""

    programs: Path
    url: str
    node: str
    pack: Path
    """The clone: its ``origin`` is the farm itself."""
    environment: dict[str, str]

    def command(self, *arguments: str, node: str | None = None) -> list[str]:
        where = ["--portal-url", self.url, "--node-id", node or self.node]
        return [str(self.programs / "stbt_rig"), "-v", *where, *arguments]

    def __call__(self, *arguments: str, node: str | None = None, **more: str) -> Done:
        return self.execute(self.command(*arguments, node=node), **more)

    def execute(self, command: list[str], given: str = "", **more: str) -> Done:
        """``given``: what its user types."""
        done = subprocess.run(
            command,
            cwd=self.pack,
            env=self.environment | more,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def git(self, *arguments: str) -> str:
        done = self.execute(["git", *arguments])
        assert done.status == 0, done.out
        return done.out.strip()


def cloned(programs: Path, url: str, token: str, project: str, node: str, home: Path) -> StbtRig:
    """A user whose home folder this is, with a clone of the project's test pack in ``pack``."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "Europe/Paris",
        "STBT_AUTH_TOKEN": token,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    pack = home / "pack"
    scheme, _, host = url.partition("://")
    origin = f"{scheme}://admin:{token}@{host}/git/{project}.git"
    StbtRig(programs, url, node, home, environment).git("clone", "--quiet", origin, str(pack))
    rig = StbtRig(programs, url, node, pack, environment)
    rig.git("config", "user.name", "Ada")
    rig.git("config", "user.email", "ada@example.com")
    return rig
