"""How an agent brings what its tests left."""

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from anyrig.agent.uploads import Uploads
from anyrig.core.errors import Invalid, Unauthenticated
from anyrig.core.messages import Artifact
from anyrig.storage.artifacts import Objects

MIB = 1 << 20
TOKEN = "t0ken"
Asked = list[tuple[str, str]]
Fresh = Callable[[int], tuple[str, str, bytes]]
Serve = Callable[..., AbstractContextManager[tuple[str, Asked]]]
Session = aiohttp.ClientSession


def uploads_to(session: Session, url: str) -> Uploads:
    return Uploads(session, url, TOKEN, first_wait=0.01, longest_wait=0.05)


@pytest.fixture
def uploads(session: Session, url: str) -> Uploads:
    return uploads_to(session, url)


def written(folder: Path, files: dict[str, bytes]) -> list[tuple[str, Path]]:
    for number, content in enumerate(files.values()):
        (folder / str(number)).write_bytes(content)
    return [(name, folder / str(number)) for number, name in enumerate(files)]


def artifact_of(name: str, content: bytes) -> Artifact:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Artifact(name, len(content), md5, hashlib.sha256(content).hexdigest())


async def stored(objects: Objects, sha256: str, size: int) -> bytes:
    return b"".join([block async for block in objects.open(sha256, 0, size)])


async def test_small_files_share_a_request(
    uploads: Uploads, objects: Objects, tmp_path: Path, asked: Asked
) -> None:
    files = {name: os.urandom(size) for name, size in {"log": 3000, "a/b.png": 200_000, "empty": 0}.items()}
    artifacts = await uploads.send(written(tmp_path, files))
    assert artifacts == tuple(artifact_of(name, content) for name, content in files.items())
    assert asked == [("POST", "objects")]
    for artifact in artifacts:
        assert await stored(objects, artifact.sha256, artifact.size) == files[artifact.name]


async def test_bytes_that_were_sent_lately_are_not_sent_again(
    uploads: Uploads, tmp_path: Path, asked: Asked
) -> None:
    status = os.urandom(2)
    await uploads.send(written(tmp_path, {"exit-status": status, "exit-status-too": status}))
    [artifact] = await uploads.send(written(tmp_path, {"other": status}))
    assert artifact == artifact_of("other", status)
    assert len(asked) == 1


async def test_what_was_sent_long_ago_is_sent_again_because_the_server_may_have_removed_it(
    session: Session, url: str, objects: Objects, tmp_path: Path, asked: Asked
) -> None:
    uploads = Uploads(session, url, TOKEN, remembered_for=0)
    files = written(tmp_path, {"exit-status": os.urandom(2)})
    [artifact] = await uploads.send(files)
    await objects.delete(artifact.sha256)
    await uploads.send(files)
    assert await objects.size(artifact.sha256) == 2
    assert len(asked) == 2


async def test_many_files_go_in_several_requests(
    uploads: Uploads, objects: Objects, tmp_path: Path, asked: Asked
) -> None:
    files = {str(number): os.urandom(200_000 if number < 9 else 10) for number in range(30)}
    artifacts = await uploads.send(written(tmp_path, files))
    assert [artifact.name for artifact in artifacts] == list(files)
    assert 2 <= len(asked) <= 4
    for artifact in artifacts:
        assert await objects.size(artifact.sha256) == artifact.size


async def test_no_files_need_no_request(uploads: Uploads, asked: Asked) -> None:
    assert await uploads.send([]) == ()
    assert asked == []


async def test_a_large_file_is_streamed_and_sent_once(
    uploads: Uploads, objects: Objects, tmp_path: Path, asked: Asked
) -> None:
    content = os.urandom(5 * MIB + 1)
    files = written(tmp_path, {"video.mp4": content})
    assert await uploads.send(files) == (artifact_of("video.mp4", content),)
    assert await uploads.send(files) == (artifact_of("video.mp4", content),)
    assert [method for method, _ in asked] == ["HEAD", "PUT", "HEAD"]
    assert await stored(objects, artifact_of("", content).sha256, len(content)) == content


class Line:
    """A line to the server that breaks once ``limit`` bytes have gone over it; then ``broken`` is called."""

    def __init__(self, port: int, limit: int, broken: Callable[[], None]) -> None:
        self.url = ""
        self.carried = 0
        self._port = port
        self._limit = limit
        self._broken = broken

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._there(reader, forth))
                group.create_task(self._back(back, writer))
        except* (OSError, RuntimeError):  # of a stream, or of one that is closed already
            pass
        finally:
            writer.transport.abort()
            forth.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(16_384):
            writer.write(data)
            await writer.drain()
            before, self.carried = self.carried, self.carried + len(data)
            if before < self._limit <= self.carried:
                self._broken()
        writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(16_384):
            writer.write(data)
            await writer.drain()
        raise ConnectionError


@asynccontextmanager
async def line(url: str, limit: int, broken: Callable[[], None]) -> AsyncIterator[Line]:
    line = Line(int(url.rsplit(":", 1)[1]), limit, broken)
    with socket.create_server(("127.0.0.1", 0)) as entrance:
        entrance.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)  # a line holds little of a file
        line.url = f"http://127.0.0.1:{entrance.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            calls: list[asyncio.Task[None]] = []

            def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                calls.append(group.create_task(line.carry(reader, writer)))

            async with await asyncio.start_server(call, sock=entrance):
                yield line
            for each in calls:
                each.cancel()


def break_off() -> None:
    raise ConnectionError


async def test_a_large_file_goes_on_where_a_broken_line_left_it(
    session: Session, url: str, objects: Objects, tmp_path: Path
) -> None:
    content = os.urandom(12 * MIB)
    async with line(url, 8 * MIB, break_off) as broken:
        [artifact] = await uploads_to(session, broken.url).send(written(tmp_path, {"video.mp4": content}))
        assert broken.carried < 16 * MIB
    assert await stored(objects, artifact.sha256, artifact.size) == content


async def test_a_file_that_changes_while_it_is_sent_is_sent_as_it_is_then(
    session: Session, url: str, objects: Objects, tmp_path: Path
) -> None:
    for after in (os.urandom(8 * MIB), os.urandom(2 * MIB), b"short"):
        files = written(tmp_path, {"video.mp4": os.urandom(8 * MIB)})

        def change(path: Path = files[0][1], after: bytes = after) -> None:
            path.write_bytes(after)

        async with line(url, MIB, change) as watched:
            [artifact] = await uploads_to(session, watched.url).send(files)
        assert artifact == artifact_of("video.mp4", after)
        assert await stored(objects, artifact.sha256, artifact.size) == after


async def test_a_file_that_grows_is_sent_as_it_was(
    session: Session, url: str, objects: Objects, tmp_path: Path
) -> None:
    before = os.urandom(4 * MIB)
    files = written(tmp_path, {"serial.log": before})

    def grow() -> None:
        with files[0][1].open("ab") as file:
            file.write(b"one more line\n")

    async with line(url, MIB, grow) as watched:
        [artifact] = await uploads_to(session, watched.url).send(files)
    assert artifact == artifact_of("serial.log", before)
    assert await stored(objects, artifact.sha256, artifact.size) == before


async def test_an_agent_waits_for_a_server_that_is_down(
    session: Session, serve: Serve, objects: Objects, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    files = written(tmp_path, {"log": os.urandom(100), "video.mp4": os.urandom(MIB)})
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(uploads_to(session, f"http://127.0.0.1:{port}").send(files))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(sending), 0.2)
        with serve(objects, port):
            artifacts = await asyncio.wait_for(sending, 20)
    assert [artifact.name for artifact in artifacts] == ["log", "video.mp4"]


async def test_an_agent_gives_up_when_it_is_told_to(session: Session, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    files = written(tmp_path, {"log": b"x"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(uploads_to(session, f"http://127.0.0.1:{port}").send(files), 0.1)


async def test_two_slots_may_send_the_same_large_file(
    uploads: Uploads, objects: Objects, tmp_path: Path
) -> None:
    content = os.urandom(4 * MIB)
    files = written(tmp_path, {"image.bin": content})
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(uploads.send(files)) for _ in range(3)]
    assert {task.result() for task in sending} == {(artifact_of("image.bin", content),)}
    assert await stored(objects, artifact_of("", content).sha256, len(content)) == content


async def test_a_token_that_is_not_valid_is_no_reason_to_try_again(url: str, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        stranger = Uploads(session, url, "wrong")
        for size in (10, MIB):
            with pytest.raises(Unauthenticated):
                await stranger.send(written(tmp_path, {"file": os.urandom(size)}))


async def test_an_agent_is_not_sent_elsewhere(session: Session, tmp_path: Path) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 307 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        for size in (10, MIB):
            with pytest.raises(Invalid, match="307"):
                await uploads_to(session, f"http://127.0.0.1:{port}").send(
                    written(tmp_path, {"file": os.urandom(size)})
                )


async def test_what_is_no_file_cannot_be_sent(uploads: Uploads, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "missing", tmp_path):
        with pytest.raises(OSError, match=str(path)):
            await uploads.send([("file", path)])
