"""A person with a work tree, our test packs, and a real server that hosts them on loopback."""

import asyncio
import os
import socket
import subprocess
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from anyrig.core.errors import Forbidden, Unauthenticated
from anyrig.packs.hosting import Packs
from anyrig.server.git import routes

DEADLINE = 20.0
TOKEN = "id.secret"
VIEWER = "viewer.secret"
AS_NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "maintenance.auto",
    "GIT_CONFIG_VALUE_0": "false",
    **{f"GIT_{role}_NAME": "tester" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "tester@localhost" for role in ("AUTHOR", "COMMITTER")},
}


class Author:
    """Somebody who works in ``folder`` with git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--template=", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """For what stays on this machine."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=os.environ | AS_NOBODY, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    async def online(self, *arguments: str) -> tuple[int, str]:
        """For what needs the server, which runs in this process. Gives exit status and complaints."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=self.folder,
            env=os.environ | AS_NOBODY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(DEADLINE):
            _, complaints = await process.communicate()
        return process.returncode or 0, complaints.decode()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit everything, and give the sha."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def author(tmp_path: Path) -> Author:
    return Author(tmp_path / "author")


@pytest.fixture
async def packs(tmp_path: Path) -> AsyncIterator[Packs]:
    async with Packs(tmp_path / "data/packs") as packs:
        yield packs


@dataclass
class Portal:
    """The server's git hosting, and what was asked of it."""

    address: str
    packs: Packs
    requests: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def url(self, project: str, token: str = TOKEN) -> str:
        user = f"tester:{token}@" if token else ""
        return f"http://{user}{self.address}/git/{project}.git"


async def authenticate(request: Request, project: str, write: bool) -> str:
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    token = b64decode(pair).decode().partition(":")[2] if kind == "Basic" else ""
    if token not in (TOKEN, VIEWER):
        raise Unauthenticated
    if write and token == VIEWER:
        raise Forbidden(user="tester", role="viewer", action=f"push to {project}")
    return "tester"


@pytest.fixture
async def portal(packs: Packs) -> AsyncIterator[Portal]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        portal = Portal(f"127.0.0.1:{listener.getsockname()[1]}", packs)
        app = noted(Starlette(routes=routes(packs, authenticate)), portal)
        server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_level="warning"))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            yield portal
            server.should_exit = True


def noted(app: ASGIApp, portal: Portal) -> ASGIApp:
    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        portal.requests.append((scope["method"], scope["path"], headers))
        await app(scope, receive, send)

    return note


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(int(DEADLINE / 0.01)):
        if condition():
            return
        await anyio.sleep(0.01)
    raise TimeoutError


@pytest.fixture
def wait_until() -> object:
    return until
