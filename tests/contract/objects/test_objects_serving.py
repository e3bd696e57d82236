"""How objects are served to browsers and other clients."""

import io
from collections.abc import Callable, Mapping

import aiohttp
import pytest

from anyrig.storage.artifacts import Objects

MIB = 1 << 20
Fresh = Callable[[int], tuple[str, str, bytes]]
Session = aiohttp.ClientSession
Reply = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
async def stored(objects: Objects, fresh: Fresh) -> tuple[str, str, bytes]:
    one = fresh(1000)
    await objects.put_small([one])
    return one


@pytest.fixture
def video(url: str, stored: tuple[str, str, bytes]) -> str:
    return f"{url}/files/{stored[0]}/{stored[1]}/video.mp4"


async def get(session: Session, url: str, **headers: str) -> Reply:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    async with session.get(url, headers=named) as reply:
        return reply.status, reply.headers, await reply.read()


async def test_an_object_is_served_whole(
    session: Session, video: str, stored: tuple[str, str, bytes]
) -> None:
    status, headers, body = await get(session, video)
    assert (status, body) == (200, stored[2])
    assert headers["Content-Type"] == "video/mp4"
    assert headers["ETag"] == f'"{stored[0]}"'
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_large_object_is_served_whole(
    session: Session, url: str, objects: Objects, fresh: Fresh
) -> None:
    sha256, md5, content = fresh(10 * MIB + 3)
    place = f"{url}/api/v3/agent/objects/{sha256}"
    async with session.put(place, data=io.BytesIO(content), headers={"Content-MD5": md5}) as reply:
        assert reply.status == 201
    where = f"{url}/files/{sha256}/{md5}/video.mp4"
    status, headers, got = await get(session, where)
    assert (status, headers["Content-Length"]) == (200, str(len(content)))
    assert got == content
    status, headers, got = await get(session, where, Range=f"bytes={MIB}-{5 * MIB}")
    assert (status, headers["Content-Range"]) == (206, f"bytes {MIB}-{5 * MIB}/{len(content)}")
    assert got == content[MIB : 5 * MIB + 1]


@pytest.mark.parametrize(
    ("asked_for", "start", "stop"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("990-", 990, 1000), ("-7", 993, 1000), ("-2000", 0, 1000)],
)
async def test_a_range_is_served_alone(
    session: Session, video: str, stored: tuple[str, str, bytes], asked_for: str, start: int, stop: int
) -> None:
    status, headers, body = await get(session, video, Range=f"bytes={asked_for}")
    assert (status, body) == (206, stored[2][start:stop])
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/1000"


@pytest.mark.parametrize("asked_for", ["1000-", "5000-6000", "-0"])
async def test_a_range_outside_cannot_be_satisfied(session: Session, video: str, asked_for: str) -> None:
    status, headers, body = await get(session, video, Range=f"bytes={asked_for}")
    assert (status, body) == (416, b"")
    assert headers["Content-Range"] == "bytes */1000"


async def test_a_range_of_another_version_gives_the_whole(
    session: Session, video: str, stored: tuple[str, str, bytes]
) -> None:
    same, other = f'"{stored[0]}"', f'"{"0" * 64}"'
    assert (await get(session, video, Range="bytes=0-9", If_Range=same))[0] == 206
    for version in (other, f"W/{same}", "Sun, 22 Nov 2026 10:00:00 GMT"):
        assert (await get(session, video, Range="bytes=0-9", If_Range=version))[0] == 200


async def test_what_the_client_has_is_not_sent_again(
    session: Session, video: str, stored: tuple[str, str, bytes]
) -> None:
    status, headers, body = await get(session, video, If_None_Match=f'"x", W/"{stored[0]}"')
    assert (status, body) == (304, b"")
    assert headers["ETag"] == f'"{stored[0]}"'
    assert (await get(session, video, If_None_Match='"x"'))[0] == 200


async def test_head_tells_the_size_and_sends_nothing(session: Session, video: str) -> None:
    async with session.head(video, headers={"Range": "bytes=0-1"}) as reply:
        assert (reply.status, reply.headers["Content-Length"]) == (200, "1000")
        assert await reply.read() == b""


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("stbt.log", "text/plain; charset=utf-8"),
        ("notes.TXT", "text/plain; charset=utf-8"),
        ("logs/serial.log", "text/plain; charset=utf-8"),
        ("report.html", "text/html; charset=utf-8"),
        ("logo.svg", "image/svg+xml"),
        ("screenshot.png", "image/png"),
        ("steps.json", "application/json"),
        ("junit.xml", "text/xml; charset=utf-8"),
        ("core.1234", "application/octet-stream"),
        ("Makefile", "application/octet-stream"),
    ],
)
async def test_the_name_tells_the_type(
    session: Session, url: str, stored: tuple[str, str, bytes], name: str, media_type: str
) -> None:
    _, headers, _ = await get(session, f"{url}/files/{stored[0]}/{stored[1]}/{name}")
    assert headers["Content-Type"] == media_type


@pytest.mark.parametrize("name", ["report.html", "logo.svg", "junit.xml", "page.htm", "unknown"])
async def test_nothing_served_runs_in_our_origin(
    session: Session, url: str, stored: tuple[str, str, bytes], name: str
) -> None:
    _, headers, _ = await get(session, f"{url}/files/{stored[0]}/{stored[1]}/{name}")
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a/b/shot 1.png", 'filename="shot 1.png"'),
        ("Bild-ä.png", "filename*=UTF-8''Bild-%C3%A4.png"),
        ('x"%0dSet-Cookie: a=b.png', "filename*=UTF-8''x%22%0DSet-Cookie%3A%20a%3Db.png"),
    ],
)
async def test_a_name_stays_inside_its_header(
    session: Session, url: str, stored: tuple[str, str, bytes], name: str, disposition: str
) -> None:
    where = f"{url}/files/{stored[0]}/{stored[1]}/{name}"
    _, headers, _ = await get(session, where)
    assert headers["Content-Disposition"] == f"inline; {disposition}"
    assert "Set-Cookie" not in headers
    _, headers, _ = await get(session, f"{where}?download")
    assert headers["Content-Disposition"] == f"attachment; {disposition}"


async def test_an_empty_object_is_served(session: Session, url: str, objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(0)
    await objects.put_small([(sha256, md5, content)])
    where = f"{url}/files/{sha256}/{md5}/empty.txt"
    assert (await get(session, where))[::2] == (200, b"")
    assert (await get(session, where, Range="bytes=-5"))[::2] == (200, b"")
    assert (await get(session, where, Range="bytes=0-"))[0] == 416


async def test_an_object_that_is_gone_is_not_found(
    session: Session, video: str, objects: Objects, stored: tuple[str, str, bytes]
) -> None:
    await objects.delete(stored[0])
    assert (await get(session, video))[0] == 404
