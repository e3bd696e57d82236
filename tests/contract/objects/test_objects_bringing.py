"""How agents bring objects over HTTP."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from yarl import URL

from anyrig.server.objects import MAX_BATCH
from anyrig.storage.artifacts import Objects

MIB = 1 << 20
HEAD = (
    "PUT /api/v3/agent/objects/{0} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t0ken\r\nContent-MD5: {1}\r\n"
)
Fresh = Callable[[int], tuple[str, str, bytes]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Session = aiohttp.ClientSession


def packed(batch: list[tuple[str, str, bytes]]) -> bytes:
    header = json.dumps([{"sha256": sha, "md5": md5, "size": len(content)} for sha, md5, content in batch])
    return len(header).to_bytes(4, "big") + header.encode() + b"".join(content for _, _, content in batch)


async def put(session: Session, url: str, body: Any, **headers: str) -> tuple[int, Mapping[str, str]]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    async with session.put(url, data=data, headers=named) as reply:
        return reply.status, reply.headers


async def post(session: Session, place: str, body: bytes) -> tuple[int, dict[str, Any]]:
    async with session.post(place, data=io.BytesIO(body)) as reply:
        is_problem = reply.content_type == "application/problem+json"
        return reply.status, await reply.json(content_type=None) if is_problem else {}


async def progress(session: Session, url: str) -> int | None:
    """What HEAD says is there; None for everything."""
    async with session.head(url) as reply:
        if reply.status == 200:
            return None
        assert reply.status == 404
        return int(reply.headers["Upload-Offset"])


async def test_a_batch_of_small_objects_is_stored_in_one_request(
    session: Session, place: str, objects: Objects, fresh: Fresh
) -> None:
    batch = [fresh(size) for size in (0, 1, 1000, 64_000)]
    assert await post(session, place, packed(batch)) == (204, {})
    for sha256, _, content in batch:
        assert await objects.size(sha256) == len(content)


async def test_a_batch_with_a_wrong_digest_is_refused(session: Session, place: str, fresh: Fresh) -> None:
    sha256, md5, _ = fresh(5)
    status, problem = await post(session, place, packed([(sha256, md5, b"else")]))
    assert (status, problem["code"]) == (422, "bad_object")


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"\0\0\0\2[]x", b"\0\0\0\x09[]", b"\xff\xff\xff\xff", b"\0\0\0\2{}", b"\0\0\0\3[1]"],
    ids=range(7),
)
async def test_a_batch_that_cannot_be_read_is_refused(session: Session, place: str, body: bytes) -> None:
    status, problem = await post(session, place, body)
    assert (status, problem["code"]) == (400, "invalid")


async def test_sizes_cannot_make_bytes_serve_twice(session: Session, place: str, fresh: Fresh) -> None:
    sha256, md5, content = fresh(10)
    header = json.dumps([{"sha256": sha256, "md5": md5, "size": size} for size in (20, -10)])
    status, _ = await post(session, place, len(header).to_bytes(4, "big") + header.encode() + content)
    assert status == 400


async def test_a_batch_that_is_too_big_is_refused(session: Session, place: str) -> None:
    status, problem = await post(session, place, bytes(MAX_BATCH + 1))
    assert (status, problem["code"]) == (413, "invalid")


async def test_nobody_brings_anything_without_a_token(place: str, fresh: Fresh, objects: Objects) -> None:
    sha256, md5, content = fresh(10)
    async with aiohttp.ClientSession() as stranger:
        assert (await put(stranger, f"{place}/{sha256}", content, Content_MD5=md5))[0] == 401
        assert (await post(stranger, place, packed([(sha256, md5, content)])))[0] == 401
        async with stranger.head(f"{place}/{sha256}") as reply:
            assert reply.status == 401
    assert await objects.size(sha256) is None


async def test_an_object_is_put_whole(session: Session, place: str, objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(3 * MIB + 1)
    url = f"{place}/{sha256}"
    assert await progress(session, url) == 0
    assert (await put(session, url, content, Content_MD5=md5))[0] == 201
    assert await progress(session, url) is None
    assert (await put(session, url, content, Content_MD5=md5))[0] == 204
    assert b"".join([block async for block in objects.open(sha256, 0, len(content))]) == content


async def test_the_md5_may_be_in_base64(session: Session, place: str, fresh: Fresh) -> None:
    sha256, md5, content = fresh(10)
    in_base64 = base64.b64encode(bytes.fromhex(md5)).decode()
    assert (await put(session, f"{place}/{sha256}", content, Content_MD5=in_base64))[0] == 201


@pytest.mark.parametrize("md5", ["", "abc", "g" * 32, "YWJj", "a" * 33])
async def test_what_is_no_md5_is_refused(session: Session, place: str, fresh: Fresh, md5: str) -> None:
    sha256, _, content = fresh(10)
    assert (await put(session, f"{place}/{sha256}", content, Content_MD5=md5))[0] == 400


async def test_a_wrong_checksum_is_refused_and_forgotten(session: Session, place: str, fresh: Fresh) -> None:
    (sha256, md5, content), (_, other_md5, other) = fresh(1000), fresh(1000)
    url = f"{place}/{sha256}"
    assert (await put(session, url, other, Content_MD5=md5))[0] == 422
    assert (await put(session, url, content, Content_MD5=other_md5))[0] == 422
    assert await progress(session, url) == 0
    assert (await put(session, url, content, Content_MD5=md5))[0] == 201


async def test_a_body_that_is_not_as_long_as_announced_is_refused(
    session: Session, place: str, fresh: Fresh
) -> None:
    sha256, md5, content = fresh(2 * MIB)

    async def of_unknown_length(body: bytes) -> AsyncIterator[bytes]:
        yield body

    span = f"bytes 0-{len(content) - 1}/{len(content)}"
    for body in (content[:-1], content + b"x"):
        chunked = of_unknown_length(body)
        answer = await put(session, f"{place}/{sha256}", chunked, Content_MD5=md5, Content_Range=span)
        assert answer[0] == 422


@pytest.mark.parametrize("name", ["..%2f..%2f..%2fetc%2fpasswd", "A" * 64, "a" * 63, "a" * 65, "%00" * 64])
async def test_only_a_sha256_is_a_place_to_put_something(session: Session, place: str, name: str) -> None:
    url = URL(f"{place}/{name}", encoded=True)
    async with session.put(url, data=b"x", headers={"Content-MD5": "0" * 32}) as reply:
        assert reply.status in (400, 404)
    async with session.head(url) as reply:
        assert reply.status in (400, 404)
        assert "Upload-Offset" not in reply.headers


async def begin(url: str, sha256: str, md5: str, size: int, body: bytes) -> asyncio.StreamWriter:
    """Send the beginning of an upload over a connection of its own, once the server is ready for it."""
    port = int(url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"PUT /api/v3/agent/objects/{sha256} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t0ken\r\n"
    head += f"Content-MD5: {md5}\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode())
    assert b" 100 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.write(body)
    await writer.drain()
    return writer


async def leave_a_part(objects: Objects, sha256: str, md5: str, content: bytes, came: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield content[:came]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await objects.put_stream(sha256, md5, len(content), 0, broken())


async def test_an_upload_goes_on_after_a_cut_connection(
    session: Session, url: str, place: str, fresh: Fresh, until: Until
) -> None:
    sha256, md5, content = fresh(4 * MIB)
    size, offsets = len(content), [0]
    writer = await begin(url, sha256, md5, size, content[: 5 * MIB // 2])

    async def much_arrived() -> bool:
        return (await progress(session, f"{place}/{sha256}") or 0) >= MIB

    await until(much_arrived)
    writer.close()
    await writer.wait_closed()

    async def went_on() -> bool:
        offsets.append(await progress(session, f"{place}/{sha256}") or 0)
        span = f"bytes {offsets[-1]}-{size - 1}/{size}"
        rest = content[offsets[-1] :]
        answer = await put(session, f"{place}/{sha256}", rest, Content_MD5=md5, Content_Range=span)
        return answer[0] == 201

    await until(went_on)
    assert MIB <= offsets[-1] <= 5 * MIB // 2


async def test_an_upload_at_the_wrong_offset_is_told_the_right_one(
    session: Session, place: str, objects: Objects, fresh: Fresh
) -> None:
    sha256, md5, content = fresh(1000)
    await leave_a_part(objects, sha256, md5, content, 600)
    span = "bytes 500-999/1000"
    answer = await put(session, f"{place}/{sha256}", content[500:], Content_MD5=md5, Content_Range=span)
    assert answer[0] == 409
    assert answer[1]["Upload-Offset"] == "600"


async def test_a_second_sender_is_asked_to_come_back(
    session: Session, url: str, place: str, fresh: Fresh, until: Until
) -> None:
    sha256, md5, content = fresh(1000)
    writer = await begin(url, sha256, md5, 1000, b"")
    status, headers = await put(session, f"{place}/{sha256}", content, Content_MD5=md5)
    assert (status, headers["Retry-After"]) == (503, "1")
    writer.write(content)
    await writer.drain()

    async def done() -> bool:
        return await progress(session, f"{place}/{sha256}") is None

    await until(done)
    writer.close()
    await writer.wait_closed()


async def test_an_upload_whose_last_answer_was_lost_needs_no_more_bytes(
    session: Session, place: str, objects: Objects, fresh: Fresh
) -> None:
    sha256, md5, content = fresh(1000)

    await leave_a_part(objects, sha256, md5, content, 1000)
    assert await progress(session, f"{place}/{sha256}") == 1000
    answer = await put(session, f"{place}/{sha256}", b"", Content_MD5=md5, Content_Range="bytes */1000")
    assert answer[0] == 201
