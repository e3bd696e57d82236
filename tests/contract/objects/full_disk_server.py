"""A server of objects whose disk is a tmpfs of 1 MB; run in a mount namespace of its own.

``python full_disk_server.py FOLDER FD``. ``PUT /ballast?bytes=N`` makes N bytes of it used by something else;
``DELETE /objects`` empties the store.
"""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.server.objects import routes
from anyrig.storage.objects_files import FileObjects


def app(folder: Path) -> Starlette:
    objects = FileObjects(folder)

    async def anybody(_: Request) -> None:
        pass

    async def ballast(request: Request) -> Response:
        content = bytes(int(request.query_params["bytes"]))
        await asyncio.to_thread((folder / "ballast").write_bytes, content)
        return Response()

    async def empty(_: Request) -> Response:
        for stored in [stored async for stored in objects.iterate()]:
            await objects.delete(stored.sha256)
        return Response()

    return Starlette(
        routes=[
            *routes(objects, anybody),
            Route("/ballast", ballast, methods=["PUT"]),
            Route("/objects", empty, methods=["DELETE"]),
        ]
    )


def main(folder: Path, fd: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    os.chdir("/")
    with socket.socket(fileno=fd) as listener:
        config = uvicorn.Config(app(folder), log_level="warning", lifespan="off")
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
