"""``sci``, the client of Sloth CI's users, and the server that comes with it, unchanged and from PyPI."""

import fcntl
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uv

PINS = Path(__file__).parents[2] / "bench" / "sloth_pins.txt"
PATIENCE = 60.0
CONFIGURATION = """host: {host}
port: {port}
auth:
  login: '{login}'
  password: '{password}'
paths:
  db: sloth.db
"""
"""Of server and client. To its database the real server writes every record as a commit of its own."""


def installed() -> Path:
    """The folder of the programs of an environment that has it; made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anyrig/test-envs"
    cache.mkdir(parents=True, exist_ok=True)
    folder, done, pins = cache / "sloth-ci", cache / "sloth-ci.done", PINS.read_text()
    with (cache / "sloth-ci.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != pins:
            program = uv.find_uv_bin()
            subprocess.run([program, "venv", "--quiet", "--clear", str(folder)], check=True, timeout=120)
            install = [program, "pip", "install", "--quiet", "--no-deps", "--no-build"]
            where = ["--python", str(folder / "bin/python"), "--requirements", str(PINS)]
            subprocess.run([*install, *where], check=True, timeout=300)
            done.write_text(pins)
    return folder / "bin"


def app_file(name: str, *actions: str, more: str = "") -> str:
    """What is in the file of an app that does this; ``more``: further lines."""
    return "\n".join([f"id: {name}", "actions:", *(f"  - {action}" for action in actions), more, ""])


@dataclass(frozen=True)
class Done:
    """All that it printed, as a user sees it: what is wrong included."""

    status: int
    out: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def column(self, number: int) -> list[str]:
        """The cells below that head of the table that was printed."""
        _, rule, *rows = self.lines
        begin, end = [column.span() for column in re.finditer("-+", rule)][number]
        return [row[begin:end].strip() for row in rows]


@dataclass(frozen=True)
class Sci:
    """A user with a folder: its ``sloth.yml`` says where the server is, beside it are files of apps."""

    programs: Path
    folder: Path

    def __call__(self, *arguments: str) -> Done:
        with self.started(*arguments) as end:
            return end()

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Callable[[], Done]]:
        """A command that runs, and what waits for its end: it has no time-outs of its own."""
        with subprocess.Popen(
            [str(self.programs / "sci"), *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:

            def end() -> Done:
                out, _ = process.communicate(timeout=PATIENCE * 2)
                return Done(process.returncode, out)

            try:
                yield end
            finally:
                process.kill()

    def file(self, name: str, *actions: str, more: str = "", at: str = "") -> Path:
        """A file of the app, without ``at`` NAME.yml."""
        path = self.folder / (at or f"{name}.yml")
        path.write_text(app_file(name, *actions, more=more))
        return path

    def created(self, name: str, *actions: str, more: str = "") -> str:
        """An app of the server that has a file; its name."""
        file = self.file(name, *actions, more=more).name
        done = self("create", file)
        said = [f'App "{name}" created', f'App "{name}" bound with config file "{file}"']
        assert (done.status, done.lines) == (0, said), done.out
        return name

    def _environment(self) -> dict[str, str]:
        """Without proxies; what it prints comes in the order in which it prints it."""
        plain = {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | plain


def client(programs: Path, folder: Path, host: str, port: int, login: str, password: str) -> Sci:
    """A user whose ``sloth.yml`` this folder gets."""
    told = CONFIGURATION.format(host=host, port=port, login=login, password=password)
    (folder / "sloth.yml").write_text(told)
    return Sci(programs, folder)
