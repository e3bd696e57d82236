"""The server of Sloth CI in a process of its own, and how it and ours are asked."""

import base64
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PATIENCE = 120.0


@dataclass(frozen=True)
class Server:
    """Where it is, and who asks."""

    port: int
    login: str
    password: str


class Connection(http.client.HTTPConnection):
    """One that counts how often it was made anew."""

    def __init__(self, server: Server) -> None:
        super().__init__("127.0.0.1", server.port, timeout=PATIENCE)
        secret = base64.b64encode(f"{server.login}:{server.password}".encode()).decode()
        form = "application/x-www-form-urlencoded"
        self._head = {"Authorization": f"Basic {secret}", "Content-Type": form}
        self.made = 0

    def connect(self) -> None:
        self.made += 1
        super().connect()

    def ask(self, action: str, **params: str) -> tuple[int, Any]:
        """The status, and what JSON says, or the text."""
        self.request("POST", "/", urlencode({"action": action, **params}), self._head)
        answer = self.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if answer.status < 300 else said.decode().strip()

    def done(self, action: str, **params: str) -> None:
        status, said = self.ask(action, **params)
        assert status < 300, said

    def build(self, app: str) -> str:
        """Nothing, or what went wrong."""
        try:
            status, said = self.ask("trigger", listen_point=app, wait="1")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return type(error).__name__
        return "" if (status, said) == (200, "Completed 1/1") else f"{status} {said}"


def create(server: Server, app: str, *actions: str) -> None:
    with closing(Connection(server)) as connection:
        connection.done("create", config_string=json.dumps({"id": app, "actions": actions}))


@contextmanager
def sloth_ci(folder: Path) -> Iterator[Server]:
    """The real one, with all its files in this folder, as long as it lasts."""
    sys.path.insert(0, "tests/support")
    from sci_client import CONFIGURATION, installed  # noqa: PLC0415 - the suite's own

    server = Server(_free_port(), "admin", "password")
    told = CONFIGURATION.format(
        host="127.0.0.1", port=server.port, login=server.login, password=server.password
    )
    (folder / "sloth.yml").write_text(told)
    command, silent = [str(installed() / "sci"), "start"], subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=silent, stderr=silent) as process:
        try:
            _until_ready(server)
            yield server
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _until_ready(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _ready(server):
        assert time.monotonic() < deadline, "Sloth CI does not start."
        time.sleep(0.1)


def _ready(server: Server) -> bool:
    with closing(Connection(server)) as connection:
        try:
            connection.done("version")
        except ConnectionError:
            return False
        return True


def _done(connection: Connection, action: str, **params: str) -> None:
    status, said = connection.ask(action, **params)
    connection.close()
    assert status < 300, said
