"""What happens when the server's disk is full: a real one, of 1 MB."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from anyrig.agent.uploads import Uploads

KIB = 1024
SERVER = Path(__file__).with_name("full_disk_server.py")
Fresh = Callable[[int], tuple[str, str, bytes]]
Session = aiohttp.ClientSession


@pytest.fixture(scope="module")
def disk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with 1 MB of disk. Whoever is not root is root in a namespace of their own."""
    disk = tmp_path_factory.mktemp("disk")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["unshare", "--mount", *as_root, sys.executable, str(SERVER), str(disk)]
        with subprocess.Popen([*command, str(listener.fileno())], pass_fds=[listener.fileno()]) as process:
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


async def fill(session: Session, tiny: str, amount: int) -> None:
    async with session.put(f"{tiny}/ballast?bytes={amount}") as reply:
        assert reply.status == 200


@pytest.fixture
async def tiny(disk_server: str, session: Session) -> str:
    """The same with nothing on it."""
    async with session.delete(f"{disk_server}/objects") as reply:
        assert reply.status == 200
    await fill(session, disk_server, 0)
    return disk_server


async def put(session: Session, tiny: str, one: tuple[str, str, bytes]) -> int:
    sha256, md5, content = one
    url = f"{tiny}/api/v3/agent/objects/{sha256}"
    async with session.put(url, data=content, headers={"Content-MD5": md5}) as reply:
        return reply.status


async def is_there(session: Session, tiny: str, sha256: str) -> bool:
    async with session.head(f"{tiny}/api/v3/agent/objects/{sha256}") as reply:
        assert reply.status == 200 or reply.headers["Upload-Offset"] == "0"
        return reply.status == 200


async def test_what_does_not_fit_is_refused_before_it_is_sent(
    session: Session, tiny: str, fresh: Fresh
) -> None:
    one = fresh(700 * KIB)
    await fill(session, tiny, 600 * KIB)
    assert await put(session, tiny, one) == 507
    assert not await is_there(session, tiny, one[0])
    await fill(session, tiny, 0)
    assert await put(session, tiny, one) == 201


async def test_a_disk_that_fills_up_during_an_upload_leaves_nothing_behind(
    session: Session, tiny: str, fresh: Fresh
) -> None:
    one = sha256, md5, content = fresh(700 * KIB)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(tiny.rsplit(":", 1)[1]))
    head = f"PUT /api/v3/agent/objects/{sha256} HTTP/1.1\r\nHost: x\r\nContent-MD5: {md5}\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert b" 100 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    await fill(session, tiny, 600 * KIB)
    writer.write(content)
    assert b" 507 " in await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
    writer.close()
    await writer.wait_closed()
    assert not await is_there(session, tiny, sha256)
    await fill(session, tiny, 0)
    assert await put(session, tiny, one) == 201


async def test_a_batch_that_does_not_fit_leaves_nothing_behind(
    session: Session, tiny: str, fresh: Fresh
) -> None:
    one = fresh(100 * KIB)
    await fill(session, tiny, 1000 * KIB)
    header = f'[{{"sha256":"{one[0]}","md5":"{one[1]}","size":{len(one[2])}}}]'.encode()
    body = len(header).to_bytes(4, "big") + header + one[2]
    for room, status in ((1000 * KIB, 507), (900 * KIB, 204)):
        await fill(session, tiny, room)
        async with session.post(f"{tiny}/api/v3/agent/objects", data=body) as reply:
            assert reply.status == status
        assert await is_there(session, tiny, one[0]) == (status == 204)


async def test_an_agent_waits_for_room(session: Session, tiny: str, fresh: Fresh, tmp_path: Path) -> None:
    sha256, _, content = fresh(700 * KIB)
    video = tmp_path / "video.mp4"
    video.write_bytes(content)
    await fill(session, tiny, 600 * KIB)
    refused = asyncio.Event()

    async def heard(*_: object) -> None:
        refused.set()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(heard)
    async with aiohttp.ClientSession(trace_configs=[tracing]) as own, asyncio.TaskGroup() as group:
        uploads = Uploads(own, tiny, "any", first_wait=0.01, longest_wait=0.05)
        sending = group.create_task(uploads.send([("video.mp4", video)]))
        await asyncio.wait_for(refused.wait(), 20)
        assert not sending.done()
        await fill(session, tiny, 0)
        [artifact] = await asyncio.wait_for(sending, 20)
    assert artifact.sha256 == sha256
    assert await is_there(session, tiny, sha256)
