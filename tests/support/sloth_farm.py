"""A live farm as a server of Sloth CI: ``anyrig up`` in processes of its own, without a test pack."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from lab import PATIENCE, Program, until
from sci_client import Sci, app_file, client

HOLD_SECONDS = 1
"""How long the farm holds a long poll."""
_READY = re.compile(r"^ready (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Sloth:
    """Where it is, and who may use it."""

    program: Program
    url: str
    token: str
    """The admin's: the password of any login."""
    data: Path
    http: httpx.Client
    """With that token."""

    @property
    def host(self) -> str:
        return httpx.URL(self.url).host

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 80

    def ask(self, action: str, **params: str) -> httpx.Response:
        return self.http.post("/", data={"action": action, **params})

    def created(self, name: str, *actions: str, more: str = "") -> str:
        """An app without a file; its name."""
        made = self.ask("create", config_string=app_file(name, *actions, more=more))
        assert (made.status_code, made.json()) == (201, name), made.text
        return name

    def built(self, name: str, **params: str) -> str:
        """What a build of the app has come to."""
        done = self.ask("trigger", listen_point=name, wait="1", **params)
        assert done.status_code == 200, done.text
        return str(done.json())

    def starts(self) -> int:
        """How often it has said that it is ready."""
        return len(_READY.findall(self.program.said()))

    def new_token(self, user: str, role: str) -> str:
        made = self.http.post("/api/v3/tokens", json={"user": user, "role": role, "projects": None})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def sci(self, programs: Path, folder: Path, password: str | None = None) -> Sci:
        """A user of it whose folder this is."""
        return client(programs, folder, self.host, self.port, "admin", password or self.token)


@contextmanager
def running(folder: Path, port: int, **settings: str) -> Iterator[Sloth]:
    data = folder / "data"
    arguments = ("--data", str(data), "--port", str(port), "--slots", "4")
    program = Program(folder / "log", "up", *arguments, ANYRIG_HOLD_SECONDS=str(HOLD_SECONDS), **settings)
    program.start()
    try:
        url = until(lambda: _READY.search(program.said()), program.said)[1]
        token = (data / "admin.token").read_text().strip()
        with httpx.Client(base_url=url, auth=("admin", token), timeout=PATIENCE) as http:
            yield Sloth(program, url, token, data, http)
        assert program.stop() == 0, program.said()
    finally:
        program.stop()
