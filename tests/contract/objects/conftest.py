"""Both stores of objects, and a real server that takes and gives what is in them."""

import hashlib
import os
import socket
import threading
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import aiohttp
import anyio
import pytest
import uvicorn
from moto.server import ThreadedMotoServer
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from anyrig.core.errors import NotFound
from anyrig.server.object_response import object_response
from anyrig.server.objects import routes
from anyrig.storage.artifacts import Objects
from anyrig.storage.objects_files import FileObjects
from anyrig.storage.objects_s3 import StoreObjects

TOKEN = "t0ken"
Asked = list[tuple[str, str]]
"""(method, last part of the path) of the requests that came."""
Served = tuple[str, Asked]
"""The URL of a server, and what it was asked."""


@pytest.fixture
def fresh() -> Callable[[int], tuple[str, str, bytes]]:
    """``fresh(size)``: (SHA-256, MD5, bytes) that nobody has stored before."""

    def fresh(size: int) -> tuple[str, str, bytes]:
        content = os.urandom(size)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return hashlib.sha256(content).hexdigest(), md5, content

    return fresh


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """``await until(condition)``: wait until it is true, but not for ever."""

    async def until(condition: Callable[[], Awaitable[bool]]) -> None:
        with anyio.fail_after(20):
            while not await condition():  # noqa: ASYNC110 - it is the server's state, in another thread
                await anyio.sleep(0.005)

    return until


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    """An S3 on loopback; gives the settings that reach its bucket ``lab``."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with urllib.request.urlopen(urllib.request.Request(f"{url}/lab", method="PUT"), timeout=10):
        pass
    yield {
        "endpoint": url,
        "region": "us-east-1",
        "access_key_id": "any",
        "secret_access_key": "any",
        "allow_http": "true",
    }
    server.stop()


@pytest.fixture(scope="session", params=["files", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    folder = tmp_path_factory.mktemp("objects")
    if request.param == "files":
        return FileObjects(folder)
    return StoreObjects("s3://lab/objects", request.getfixturevalue("bucket"), folder)


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Served]]:
    """``with serve(objects, port=0) as (url, asked)``: a server of these objects."""
    return serving


@pytest.fixture(scope="session")
def server(objects: Objects) -> Iterator[Served]:
    with serving(objects) as served:
        yield served


@pytest.fixture
def url(server: Served) -> str:
    return server[0]


@pytest.fixture
def place(url: str) -> str:
    """Where agents bring objects to."""
    return f"{url}/api/v3/agent/objects"


@pytest.fixture
def asked(server: Served) -> Asked:
    """What the server was asked in this test."""
    server[1].clear()
    return server[1]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield session


@contextmanager
def serving(objects: Objects, port: int = 0) -> Iterator[Served]:
    asked: Asked = []
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(app(objects, asked), log_level="warning", lifespan="off")
        config.timeout_graceful_shutdown = 5
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            server.should_exit = True
            thread.join(30)


def app(objects: Objects, asked: Asked) -> ASGIApp:
    """Takes objects at their real place, and gives any of them as /files/SHA256/MD5/NAME."""

    async def authenticate(request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise HTTPException(401)

    async def file(request: Request) -> Response:
        sha256, md5, name = (request.path_params[key] for key in ("sha256", "md5", "name"))
        size = await objects.size(sha256) or 0
        download = "download" in request.query_params
        return await object_response(request, objects, sha256, name, size, md5, download=download)

    async def not_found(_: Request, error: Exception) -> Response:
        return Response(str(error), 404)

    inner = Starlette(
        routes=[*routes(objects, authenticate), Route("/files/{sha256}/{md5}/{name:path}", file)],
        exception_handlers={NotFound: not_found},
    )

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append((scope["method"], scope["path"].rsplit("/", 1)[1]))
        await inner(scope, receive, send)

    return noting
