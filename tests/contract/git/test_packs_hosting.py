"""Git's own client against our smart HTTP hosting."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from anyrig.core.errors import RevisionNotFound
from anyrig.packs.hosting import Packs

if TYPE_CHECKING:
    from tests.contract.git.conftest import Author, Portal

VIEWER = "viewer.secret"
BASIC = {"Authorization": "Basic " + b64encode(b"tester:id.secret").decode()}
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def pushed(portal: Portal, author: Author) -> str:
    """The sha of ``main`` in the hosted project ``tv``."""
    sha = author.commit({"tests/a.py": "def test_a(): pass\n"})
    await portal.packs.create("tv")
    assert await author.online("push", "--quiet", portal.url("tv"), "main") == (0, "")
    return sha


async def test_what_was_pushed_can_be_cloned_and_resolved(
    portal: Portal, author: Author, pushed: str, tmp_path: Path
) -> None:
    assert await author.online("clone", "--quiet", portal.url("tv"), str(tmp_path / "clone")) == (0, "")
    assert (tmp_path / "clone/tests/a.py").read_text() == "def test_a(): pass\n"
    assert (await portal.packs.resolve("tv", "HEAD")).sha == pushed


async def test_a_first_push_of_another_branch_makes_it_the_default(
    portal: Portal, author: Author, tmp_path: Path
) -> None:
    sha = author.commit({"a": "b"})
    await portal.packs.create("tv")
    await author.online("push", "--quiet", portal.url("tv"), "HEAD:trunk")
    assert (await portal.packs.resolve("tv", "HEAD")).branch == "refs/heads/trunk"
    await author.online("clone", "--quiet", portal.url("tv"), str(tmp_path / "clone"))
    assert (tmp_path / "clone/a").read_text() == "b"
    assert (await portal.packs.resolve("tv", "HEAD")).sha == sha


async def test_a_snapshot_is_pushed_by_force_as_stbt_rig_does_it(
    portal: Portal, author: Author, pushed: str
) -> None:
    shas = []
    for text in ("one", "two"):
        author.git("reset", "--quiet", "--hard", pushed)
        sha = author.commit({"a": text})
        refspec = f"{sha}:refs/snapshots/tester"
        assert await author.online("push", "--force", "--quiet", portal.url("tv"), refspec) == (0, "")
        assert (await portal.packs.resolve("tv", "refs/snapshots/tester")).sha == sha
        shas.append(sha)
    assert [(await portal.packs.resolve("tv", sha)).sha for sha in shas] == shas


async def test_the_list_is_right_after_every_push(portal: Portal, author: Author, pushed: str) -> None:
    for name in ("test_b", "test_c"):
        author.commit({"tests/a.py": f"def {name}(): pass\n"})
        await author.online("push", "--quiet", portal.url("tv"), "main")
        sha = (await portal.packs.resolve("tv", "main")).sha
        assert await portal.packs.list_tests("tv", sha) == (f"tests/a.py::{name}",)
    await author.online("push", "--quiet", portal.url("tv"), "HEAD:gone")
    await author.online("push", "--quiet", portal.url("tv"), ":gone")
    with pytest.raises(RevisionNotFound):
        await portal.packs.resolve("tv", "gone")


async def test_a_shallow_clone_has_one_commit(
    portal: Portal, author: Author, pushed: str, tmp_path: Path
) -> None:
    author.commit({"a": "b"})
    await author.online("push", "--quiet", portal.url("tv"), "main")
    await author.online("clone", "--quiet", "--depth=1", portal.url("tv"), str(tmp_path / "clone"))
    assert author.git("-C", str(tmp_path / "clone"), "rev-list", "--count", "HEAD") == "1"


async def test_any_commit_can_be_fetched_by_its_sha(portal: Portal, author: Author, pushed: str) -> None:
    lost = author.commit({"a": "lost"})
    await author.online("push", "--quiet", portal.url("tv"), "HEAD:refs/snapshots/tester")
    await author.online("push", "--quiet", portal.url("tv"), ":refs/snapshots/tester")
    author.git("init", "--quiet", "--bare", "other")
    assert await author.online("-C", "other", "fetch", "--quiet", portal.url("tv"), lost) == (0, "")


async def test_a_large_push_comes_in_chunks(
    portal: Portal, author: Author, pushed: str, tmp_path: Path
) -> None:
    contents = os.urandom(2_500_000)
    author.commit({"large.bin": contents})
    assert await author.online("push", "--quiet", portal.url("tv"), "main") == (0, "")
    assert any(headers.get("transfer-encoding") == "chunked" for *_, headers in portal.requests)
    await author.online("clone", "--quiet", portal.url("tv"), str(tmp_path / "clone"))
    assert (tmp_path / "clone/large.bin").read_bytes() == contents


async def test_a_long_request_comes_compressed_in_each_version_of_the_protocol(
    portal: Portal, author: Author, pushed: str
) -> None:
    for number in range(25):
        author.git("commit", "--quiet", "--allow-empty", "--message", f"{number}")
        author.git("tag", f"v{number}")
    await author.online("push", "--quiet", portal.url("tv"), "main", "--tags")
    for version, header in (("0", None), ("2", "version=2")):
        author.git("init", "--quiet", "--bare", f"other{version}")
        portal.requests.clear()
        here = ("-C", f"other{version}", "-c", f"protocol.version={version}")
        fetched = await author.online(*here, "fetch", "--quiet", portal.url("tv"), "+refs/tags/*:refs/tags/*")
        assert fetched == (0, "")
        assert len(author.git("-C", f"other{version}", "tag").split()) == 25
        assert any(headers.get("content-encoding") == "gzip" for *_, headers in portal.requests)
        assert {headers.get("git-protocol") for *_, headers in portal.requests} == {header}


async def test_many_clone_at_once(portal: Portal, author: Author, pushed: str, tmp_path: Path) -> None:
    author.commit({"large.bin": os.urandom(500_000)})
    await author.online("push", "--quiet", portal.url("tv"), "main")
    clones = (author.online("clone", "--quiet", portal.url("tv"), str(tmp_path / f"c{n}")) for n in range(10))
    assert set(await asyncio.gather(*clones)) == {(0, "")}


async def test_pushes_to_one_repository_at_once_all_arrive(
    portal: Portal, author: Author, pushed: str
) -> None:
    pushes = (
        author.online("push", "--quiet", portal.url("tv"), f"HEAD:refs/snapshots/user{n}") for n in range(6)
    )
    assert set(await asyncio.gather(*pushes)) == {(0, "")}
    for number in range(6):
        assert (await portal.packs.resolve("tv", f"refs/snapshots/user{number}")).sha == pushed


async def test_without_a_token_git_is_asked_for_one(portal: Portal, author: Author, pushed: str) -> None:
    status, complaints = await author.online("ls-remote", portal.url("tv", token=""))
    assert status != 0
    assert "could not read Username" in complaints
    async with httpx.AsyncClient(base_url=f"http://{portal.address}") as client:
        reply = await client.get("/git/nope.git/info/refs?service=git-upload-pack")
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Basic realm="anyrig"')
    assert reply.text == "The access token is missing or not valid.\n"


async def test_who_may_only_read_cannot_push(portal: Portal, author: Author, pushed: str) -> None:
    assert await author.online("ls-remote", "--quiet", portal.url("tv", VIEWER)) == (0, "")
    status, complaints = await author.online("push", portal.url("tv", VIEWER), "HEAD:refs/heads/x")
    assert status != 0
    assert "tester (role viewer) is not allowed to push to tv." in complaints


PATHS = (
    ("GET", "/git/nope.git/info/refs?service=git-upload-pack", 404),
    ("POST", "/git/nope.git/git-receive-pack", 404),
    ("GET", "/git/tv.git/info/refs?service=git-upload-archive", 400),
    ("GET", "/git/tv.git/info/refs?service=--help", 400),
    ("GET", "/git/tv.git/info/refs", 400),
    ("GET", "/git/..%2Ftv.git/info/refs?service=git-upload-pack", 404),
    ("GET", "/git/tv.git/../tv.git/config", 404),
    ("GET", "/git/%2e%2e.git/info/refs?service=git-upload-pack", 400),
    ("GET", "/git/tv.git/config", 404),
    ("GET", "/git/tv.git/HEAD", 404),
    ("GET", "/git/tv.git/objects/info/packs", 404),
    ("GET", "/git/tv.git/git-upload-pack", 405),
)


async def test_nothing_else_is_served(portal: Portal, pushed: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{portal.address}", headers=BASIC) as client:
        found = [(way, path, (await client.request(way, path)).status_code) for way, path, _ in PATHS]
    assert tuple(found) == PATHS


async def test_a_request_that_git_cannot_read_is_answered(portal: Portal, pushed: str) -> None:
    kind = {"Content-Type": "application/x-git-receive-pack-request"}
    async with httpx.AsyncClient(base_url=f"http://{portal.address}", headers=BASIC) as client:
        wrong_kind = await client.post("/git/tv.git/git-upload-pack", content=b"x")
        nonsense = await client.post("/git/tv.git/git-receive-pack", content=b"nonsense", headers=kind)
        not_gzip = await client.post(
            "/git/tv.git/git-receive-pack", content=b"x", headers=kind | {"Content-Encoding": "gzip"}
        )
    assert wrong_kind.status_code == 415
    assert nonsense.status_code in (200, 500)
    assert not_gzip.status_code in (200, 500)


def backends(packs: Packs) -> set[str]:
    """The processes that serve a request for these packs now."""
    wanted = f"GIT_PROJECT_ROOT={packs.root}\0".encode()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes():
                found.add(process.name)
        except OSError:
            continue
    return found


async def test_a_client_that_hangs_up_leaves_no_process(
    portal: Portal, pushed: str, wait_until: Until
) -> None:
    host, port = portal.address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /git/tv.git/git-receive-pack HTTP/1.1",
        f"Host: {portal.address}",
        f"Authorization: {BASIC['Authorization']}",
        "Content-Type: application/x-git-receive-pack-request",
        "Transfer-Encoding: chunked",
    )
    writer.write("\r\n".join((*head, "", "4\r\n00a0\r\n")).encode())
    await wait_until(lambda: len(backends(portal.packs)) > 1)
    writer.close()
    await writer.wait_closed()
    await wait_until(lambda: not backends(portal.packs))


async def test_no_process_is_left_after_a_push(portal: Portal, pushed: str, wait_until: Until) -> None:
    await wait_until(lambda: not backends(portal.packs))
