"""Bringing and fetching a large object, beside the barest uvicorn app that does the same work.

``python bench/objects.py [MIB] [ROUNDS]`` prints one table. The client is a plain socket in this process;
each server is a process of its own, on loopback. They take turns; each rate is given as best and median. CPU
seconds are those of the server process a GiB, and tell more than rates when the machine has other work.
"""

import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.server.object_response import object_response
from anyrig.server.objects import PREFIX, routes
from anyrig.storage.objects_files import FileObjects

MIB = 1 << 20
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Bare:
    """Streams a body to a file with both checksums, and a file to a body in blocks read in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        path = self._root / scope["path"].rsplit("/", 1)[1]
        if scope["method"] == "PUT":
            await self._take(path, receive, send)
        else:
            await self._give(path, send)

    async def _take(self, path: Path, receive: Receive, send: Send) -> None:
        md5, sha256, more = hashlib.md5(usedforsecurity=False), hashlib.sha256(), True
        with path.open("wb") as file:
            while more:
                message = await receive()
                more = message.get("more_body", False)
                md5.update(message["body"])
                sha256.update(message["body"])
                file.write(message["body"])
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _give(self, path: Path, send: Send) -> None:
        length = str((await asyncio.to_thread(path.stat)).st_size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        with path.open("rb", buffering=0) as file:
            while block := await asyncio.to_thread(file.read, MIB):
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def ours(root: Path) -> Starlette:
    objects = FileObjects(root)

    async def anybody(request: Request) -> None:
        pass

    async def give(request: Request) -> Response:
        sha256 = request.path_params["sha256"]
        size = await objects.size(sha256) or 0
        return await object_response(request, objects, sha256, "video.mp4", size, "0" * 32)

    return Starlette(routes=[*routes(objects, anybody), Route("/files/{sha256}", give)])


def serve(kind: str, root: str, fd: str) -> None:
    app: Any = Bare(Path(root)) if kind == "bare" else ours(Path(root))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    loop = asyncio.Runner(loop_factory=config.get_loop_factory())
    with socket.socket(fileno=int(fd)) as listener, loop:
        loop.run(uvicorn.Server(config).serve([listener]))


@contextmanager
def server(kind: str, root: Path) -> Iterator[tuple[tuple[str, int], int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, __file__, "serve", kind, str(root), str(listener.fileno())]
        with subprocess.Popen(command, pass_fds=[listener.fileno()]) as process:
            try:
                yield listener.getsockname(), process.pid
            finally:
                process.terminate()


def upload(address: tuple[str, int], source: Path, sha256: str, md5: str) -> float:
    start = time.perf_counter()
    with socket.create_connection(address, timeout=60) as connection, source.open("rb") as file:
        head = f"PUT {PREFIX}/{sha256} HTTP/1.1\r\nHost: x\r\nContent-MD5: {md5}\r\n"
        connection.sendall(f"{head}Content-Length: {source.stat().st_size}\r\n\r\n".encode())
        connection.sendfile(file)
        answer = connection.recv(4096)
    assert b" 201 " in answer, answer
    return time.perf_counter() - start


def download(address: tuple[str, int], path: str, size: int) -> float:
    start = time.perf_counter()
    buffer = bytearray(MIB)
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        total = 0
        while got := connection.recv_into(buffer):
            total += got
    assert total > size, total
    return time.perf_counter() - start


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) >> 10
    return 0


@dataclass
class Seen:
    """What was seen of one server in one direction: rates in MiB/s, CPU in seconds a GiB."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def row(self) -> str:
        return f"{max(self.rates):8.0f}{median(self.rates):8.0f}{median(self.cpu):8.2f}"

    def ratios(self, other: "Seen") -> str:
        best = max(self.rates) / max(other.rates)
        usual = median(self.rates) / median(other.rates)
        return f"{best:8.2f}{usual:8.2f}{median(self.cpu) / median(other.cpu):8.2f}"


@dataclass
class Side:
    """One of the servers."""

    address: tuple[str, int]
    pid: int
    root: Path
    up: Seen = field(default_factory=Seen)
    down: Seen = field(default_factory=Seen)

    def measure(self, action: Callable[[], float], mib: int, seen: Seen) -> None:
        before = cpu_seconds(self.pid)
        seen.rates.append(mib / action())
        seen.cpu.append((cpu_seconds(self.pid) - before) * 1024 / mib)

    def play(self, source: Path, sha256: str, md5: str) -> None:
        size, where = source.stat().st_size, f"/files/{sha256}"
        for path in (self.root / sha256, self.root / sha256[:2] / sha256[2:]):
            path.unlink(missing_ok=True)
        self.measure(lambda: upload(self.address, source, sha256, md5), size // MIB, self.up)
        for _ in range(3):
            self.measure(lambda: download(self.address, where, size), size // MIB, self.down)


def made(path: Path, mib: int) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for _ in range(mib):
            block = os.urandom(MIB)
            sha256.update(block)
            md5.update(block)
            file.write(block)
    return sha256.hexdigest(), md5.hexdigest()


def main(mib: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.home()) as name, ExitStack() as servers:
        folder = Path(name)
        digests = made(folder / "source", mib)
        sides = {kind: side(kind, folder, servers) for kind in ("bare", "ours")}
        for _ in range(rounds):
            for each in sides.values():
                each.play(folder / "source", *digests)
        print(f"{mib} MiB, {rounds} rounds\n{'':8}{'up':>8}{'':16}{'down':>8}{'':16}{'memory':>8}")
        print(f"{'':8}" + 2 * f"{'best':>8}{'median':>8}{'CPU':>8}" + f"{'peak MiB':>10}")
        for kind, each in sides.items():
            print(f"{kind:8}{each.up.row()}{each.down.row()}{peak_mib(each.pid):10}")
        bare, ours = sides.values()
        print(f"{'ratio':8}{ours.up.ratios(bare.up)}{ours.down.ratios(bare.down)}")


def side(kind: str, folder: Path, servers: ExitStack) -> Side:
    root = folder / kind
    root.mkdir()
    return Side(*servers.enter_context(server(kind, root)), root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(*(int(argument) for argument in [*sys.argv[1:], "1024", "3"][:2]))
