"""An Android device for the real adb: its debug daemon, over TCP, with this machine's shell.

The protocol is that of AOSP's packages/modules/adb/protocol.txt: packets of a header and data; each stream
has an identifier on either side, and one packet on its way at a time. What Android's own programs do
(``input``, ``screenrecord``, ``screencap``) scripts in a folder do.
"""

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_HEADER = struct.Struct("<4s5I")
_SHELL = struct.Struct("<BI")
_VERSION, _LONGEST = 0x01000001, 256 * 1024
_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = range(5)
PIECE = 16 * 1024


class Stream:
    """One service that runs."""

    def __init__(self, link: "Link", ours: int, theirs: int, service: str) -> None:
        self._link, self.ours, self.theirs = link, ours, theirs
        self._kind, _, self._command = service.partition(":")
        self._framed = "v2" in self._kind.split(",")
        self._ready = asyncio.Event()
        self._stdin = b""
        self._closed = False
        self.process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        command = [self._command] if self._command else []
        argv = ["/bin/sh", *(["-c"] if command else []), *command]
        together = asyncio.subprocess.PIPE if self._framed else asyncio.subprocess.STDOUT
        process = self.process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=together,
            env=self._link.device.environment,
            start_new_session=True,
        )
        self._link.send(b"OKAY", self.ours, self.theirs)
        self._ready.set()
        if self._closed:
            self.close()
        await asyncio.gather(self._pump(process.stdout, _STDOUT), self._pump(process.stderr, _STDERR))
        status = await process.wait()
        if self._framed:
            await self._write(_SHELL.pack(_EXIT, 1) + bytes([status & 0xFF]))
        self._link.send(b"CLSE", self.ours, self.theirs)
        if process.stdin is not None:
            process.stdin.close()

    async def _pump(self, stream: asyncio.StreamReader | None, kind: int) -> None:
        while stream is not None and (piece := await stream.read(PIECE)):
            await self._write(_SHELL.pack(kind, len(piece)) + piece if self._framed else piece)

    async def _write(self, data: bytes) -> None:
        await self._ready.wait()
        if not self._closed:
            self._ready.clear()
        self._link.send(b"WRTE", self.ours, self.theirs, data)

    def okay(self) -> None:
        self._ready.set()

    def take(self, data: bytes) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self._link.send(b"OKAY", self.ours, self.theirs)
        if not self._framed:
            self.process.stdin.write(data)
            return
        self._stdin += data
        while len(self._stdin) >= _SHELL.size:
            kind, length = _SHELL.unpack_from(self._stdin)
            words = self._stdin[_SHELL.size : _SHELL.size + length]
            if len(words) < length:
                return
            self._stdin = self._stdin[_SHELL.size + length :]
            if kind == _STDIN:
                self.process.stdin.write(words)
            elif kind == _CLOSE_STDIN:
                self.process.stdin.close()

    def close(self) -> None:
        """Nobody listens any more."""
        self._closed = True
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self._ready.set()


class Link:
    """One adb server's connection."""

    def __init__(self, device: "AndroidDevice", writer: asyncio.StreamWriter) -> None:
        self.device = device
        self._writer = writer
        self._streams: dict[int, Stream] = {}
        self._last = 0

    def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        magic = int.from_bytes(command, "little") ^ 0xFFFFFFFF
        check = sum(data) & 0xFFFFFFFF
        self._writer.write(_HEADER.pack(command, first, second, len(data), check, magic) + data)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                command, first, second, length, _, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                data = await reader.readexactly(length)
                if command == b"OPEN":
                    self._last += 1
                    stream = Stream(self, self._last, first, data.rstrip(b"\0").decode())
                    self._streams[self._last] = stream
                    running.add(asyncio.create_task(stream.run()))
                else:
                    await self._take(command, second, data)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for stream in self._streams.values():
                stream.close()
            await asyncio.gather(*running)
            self._writer.transport.abort()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _take(self, command: bytes, ours: int, data: bytes) -> None:
        if command == b"CNXN":
            features = "shell_v2,cmd" if self.device.modern else "cmd"
            banner = f"device::ro.product.name=test;ro.product.model=Test;features={features}"
            self.send(b"CNXN", _VERSION, _LONGEST, banner.encode())
        elif stream := self._streams.get(ours):
            if command == b"WRTE":
                stream.take(data)
            elif command == b"OKAY":
                stream.okay()
            elif command == b"CLSE":
                stream.close()


class AndroidDevice:
    """Listens for adb on loopback."""

    def __init__(self, folder: Path, *, modern: bool = True) -> None:
        self.folder = folder
        self.modern = modern
        """Its shell keeps output, errors and status apart."""
        self.address = ""
        self.environment = {"PATH": f"{folder}:/usr/bin:/bin", "DEVICE": str(folder)}
        self._server: asyncio.Server
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def install(self, program: str, script: str) -> None:
        file = self.folder / program
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links[asyncio.create_task(Link(self, writer).serve(reader))] = writer

    async def plug_in(self) -> None:
        port = int(self.address.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def unplug(self) -> None:
        """Every connection breaks, and nobody can connect."""
        self._server.close()
        for writer in self._links.values():
            writer.transport.abort()
        await asyncio.gather(*self._links)
        self._links.clear()


@asynccontextmanager
async def adb_server(folder: Path, port: int) -> AsyncIterator[None]:
    """A server of Debian's adb for these tests alone."""
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "ADB_MDNS": "0"}
    process = await asyncio.create_subprocess_exec(
        *("adb", "-P", str(port), "nodaemon", "server"),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
        yield
    finally:
        process.terminate()
        await process.wait()
