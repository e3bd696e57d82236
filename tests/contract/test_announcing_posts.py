"""Records are posted over real HTTP to receivers of all kinds."""

import asyncio
import hashlib
import hmac
import json
import socket
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from post_box import PostBox

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.extensions.webhooks import Posts, read
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.posts import tell

SAID = Record(1_446_684_472_123_456, Channel.RUN, Level.WARNING, "Partially completed: 1/2 ✗")
ANNOUNCEMENT = Announcement("7-1", "web/shop", "builds", SAID)
AROUND = Around(Path("/nowhere"))


def posts(url: str, **options: Any) -> Posts:
    return read({"url": url, **options}, "web/shop")


async def refusal(options: Posts) -> NotTold:
    with pytest.raises(NotTold) as refused:
        await tell(options, ANNOUNCEMENT, AROUND)
    return refused.value


async def test_a_receiver_reads_what_was_said_and_which_post_it_is() -> None:
    async with PostBox(200) as box:
        await tell(posts(box.url("/in?token=abc")), ANNOUNCEMENT, AROUND)
        (post,) = box.posts
    assert post.path == "/in?token=abc"
    assert json.loads(post.body) == {
        "name": "web/shop.build",
        "level": "WARNING",
        "message": "Partially completed: 1/2 ✗",
    }
    assert post.headers["content-type"] == "application/json"
    assert post.headers["x-anyrig-delivery"] == "7-1"
    assert post.headers["x-anyrig-timestamp"] == "1446684472"
    assert "x-hub-signature-256" not in post.headers


async def test_a_receiver_who_knows_the_secret_can_tell_that_it_was_us() -> None:
    async with PostBox(204) as box:
        await tell(posts(box.url(), secret="pssst"), ANNOUNCEMENT, AROUND)
        (post,) = box.posts
    expected = hmac.digest(b"pssst", post.body, hashlib.sha256).hex()
    assert post.headers["x-hub-signature-256"] == f"sha256={expected}"


@dataclass(frozen=True)
class _Twice(Posts):
    encoding: str = "twice"


async def test_who_relies_on_it_gets_json_within_json_and_a_signature_of_that() -> None:
    async with PostBox(200) as box:
        await tell(_Twice(box.url(), Level.INFO, "pssst"), ANNOUNCEMENT, AROUND)
        (post,) = box.posts
    assert json.loads(json.loads(post.body))["level"] == "WARNING"
    expected = hmac.digest(b"pssst", post.body, hashlib.sha256).hex()
    assert post.headers["x-hub-signature-256"] == f"sha256={expected}"


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
async def test_who_cannot_take_it_now_is_asked_again(status: int) -> None:
    async with PostBox(status) as box:
        refused = await refusal(posts(box.url()))
    assert (str(refused), refused.for_ever) == (f"127.0.0.1 answered {status}", False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
async def test_who_refuses_it_is_not_asked_again(status: int) -> None:
    async with PostBox(status) as box:
        refused = await refusal(posts(box.url()))
    assert (str(refused), refused.for_ever) == (f"127.0.0.1 answered {status}", True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with PostBox(200) as elsewhere, PostBox(status, headers=f"Location: {elsewhere.url()}\r\n") as box:
        refused = await refusal(posts(box.url()))
        assert elsewhere.posts == []
    assert refused.for_ever
    assert "redirects" in str(refused)


async def test_nobody_there_is_a_reason_to_try_again_and_no_secret_is_in_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    refused = await refusal(
        posts(f"http://user:pssst@127.0.0.1:{port}/hooks/T0PS3CRET?key=abcd", secret="xyz1")
    )
    assert not refused.for_ever
    assert str(refused).startswith("127.0.0.1: ")
    assert not any(secret in str(refused) for secret in ("pssst", "T0PS3CRET", "abcd", "xyz1"))


async def test_an_unknown_name_is_a_reason_to_try_again() -> None:
    refused = await refusal(posts("http://no-such-host.invalid/"))
    assert str(refused).startswith("no-such-host.invalid: ")
    assert not refused.for_ever


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "http://[::1", "file:///etc/passwd"])
async def test_what_is_no_address_of_http_is_refused_for_ever(url: str) -> None:
    refused = await refusal(replace(posts("http://x"), url=url))
    assert (str(refused), refused.for_ever) == ("the url is no address of HTTP", True)


async def test_the_rest_of_a_long_answer_is_left() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server, asyncio.timeout(5):
        port = server.sockets[0].getsockname()[1]
        await tell(posts(f"http://127.0.0.1:{port}/"), ANNOUNCEMENT, AROUND)


async def test_an_answer_that_breaks_off_is_an_answer() -> None:
    async with PostBox(200, headers="Transfer-Encoding: chunked\r\n", text=b"nonsense") as box:
        await tell(posts(box.url()), ANNOUNCEMENT, AROUND)
        assert len(box.posts) == 1


async def test_who_speaks_no_http_is_asked_again() -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        refused = await refusal(posts(f"http://127.0.0.1:{port}/"))
    assert not refused.for_ever
