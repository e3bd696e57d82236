"""Checkouts on the agent, fetched from our own hosting with a token."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.core.errors import PackUnavailable, RevisionNotFound
from anyrig.executors.descendants import descendants
from anyrig.packs.checkout import Checkouts

if TYPE_CHECKING:
    from tests.contract.git.conftest import Author, Portal

TOKEN = "id.secret"
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path / "cache", kept=2, deadline=20)


@pytest.fixture
def url(portal: Portal) -> str:
    return portal.url("tv", token="")


@pytest.fixture
async def sha(portal: Portal, author: Author) -> str:
    """A commit of the hosted project ``tv``, with a link and a program in it."""
    author.write(
        {"config/stbt.conf": "[test_pack]\n", "tests/a.py": "def test_a(): pass\n", "run": "#!/bin/sh\n"}
    )
    (author.folder / ".stbt.conf").symlink_to("config/stbt.conf")
    (author.folder / "run").chmod(0o755)
    sha = author.commit()
    await portal.packs.create("tv")
    author.git("push", "--quiet", str(portal.packs.repository("tv")), "main")
    return sha


def pushed(author: Author, portal: Portal, text: str) -> str:
    sha = author.commit({"a": text})
    author.git("push", "--quiet", str(portal.packs.repository("tv")), "HEAD:refs/snapshots/tester")
    return sha


async def test_a_checkout_has_the_files_of_the_commit(checkouts: Checkouts, url: str, sha: str) -> None:
    folder = await checkouts.checkout(url, TOKEN, sha)
    assert sorted(path.name for path in folder.iterdir()) == [".stbt.conf", "config", "run", "tests"]
    assert (folder / ".stbt.conf").is_symlink()
    assert (folder / ".stbt.conf").read_text() == "[test_pack]\n"
    assert os.access(folder / "run", os.X_OK)


async def test_a_second_checkout_asks_the_server_for_nothing(
    checkouts: Checkouts, url: str, sha: str, portal: Portal, tmp_path: Path
) -> None:
    folder = await checkouts.checkout(url, TOKEN, sha)
    portal.requests.clear()
    again = Checkouts(tmp_path / "cache")
    assert [await one.checkout(url, "", sha) for one in (checkouts, again)] == [folder, folder]
    assert portal.requests == []


async def test_callers_at_once_share_one_checkout(
    checkouts: Checkouts, url: str, sha: str, portal: Portal
) -> None:
    portal.requests.clear()
    folders = await asyncio.gather(*(checkouts.checkout(url, TOKEN, sha) for _ in range(8)))
    assert len(set(folders)) == 1
    assert len([path for _, path, _ in portal.requests if path.endswith("info/refs")]) <= 2


async def test_two_agents_may_share_a_cache(url: str, sha: str, tmp_path: Path) -> None:
    agents = [Checkouts(tmp_path / "cache") for _ in range(3)]
    folders = await asyncio.gather(*(agent.checkout(url, TOKEN, sha) for agent in agents))
    assert {(folder / "tests/a.py").read_text() for folder in folders} == {"def test_a(): pass\n"}


async def test_a_snapshot_that_was_replaced_is_checked_out(
    checkouts: Checkouts, url: str, sha: str, author: Author, portal: Portal
) -> None:
    old = pushed(author, portal, "old")
    author.git("reset", "--quiet", "--hard", sha)
    author.commit({"a": "new"})
    there = str(portal.packs.repository("tv"))
    author.git("push", "--quiet", "--force", there, "HEAD:refs/snapshots/tester")
    assert (await checkouts.checkout(url, TOKEN, old) / "a").read_text() == "old"


async def test_a_commit_that_the_server_has_not_is_not_found(
    checkouts: Checkouts, url: str, sha: str
) -> None:
    for revision in ("0" * 40, "main", "--help", ""):
        with pytest.raises(RevisionNotFound, match="in the test pack of project 'tv'"):
            await checkouts.checkout(url, TOKEN, revision)
    assert (await checkouts.checkout(url, TOKEN, sha)).is_dir()


async def test_a_wrong_token_is_told_by_a_sentence(checkouts: Checkouts, url: str, sha: str) -> None:
    for token in ("", "wr.ong"):
        with pytest.raises(PackUnavailable) as told:
            await checkouts.checkout(url, token, sha)
        assert str(told.value) == (
            "The test pack of project 'tv' cannot be read: the server refused the token."
        )


async def test_a_server_that_is_away_is_told_by_a_sentence_and_costs_nothing(
    checkouts: Checkouts, url: str, sha: str, portal: Portal
) -> None:
    folder = await checkouts.checkout(url, TOKEN, sha)
    away = Checkouts(folder.parent.parent, deadline=20)
    folder.parent.rename(folder.parent.with_name("kept"))
    gone = "http://127.0.0.1:9/git/tv.git"
    with pytest.raises(PackUnavailable, match="Failed to connect"):
        await away.checkout(gone, TOKEN, sha)
    folder.parent.with_name("kept").rename(folder.parent)
    portal.requests.clear()
    assert await away.checkout(url, TOKEN, sha) == folder
    assert portal.requests == []


async def test_files_that_a_test_changed_or_removed_are_put_right(
    checkouts: Checkouts, url: str, sha: str
) -> None:
    folder = await checkouts.checkout(url, TOKEN, sha)
    (folder / "tests/a.py").write_text("def test_nonsense(): pass\n")
    (folder / "run").unlink()
    shutil.rmtree(folder / "config")
    (folder / "config").write_text("in the way")
    assert await checkouts.checkout(url, TOKEN, sha) == folder
    assert (folder / "tests/a.py").read_text() == "def test_a(): pass\n"
    assert os.access(folder / "run", os.X_OK)
    assert (folder / ".stbt.conf").read_text() == "[test_pack]\n"


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no index": lambda home: next(home.glob("*.index")).unlink(),
    "an empty index": lambda home: next(home.glob("*.index")).write_bytes(b""),
    "a locked index": lambda home: next(home.glob("*.index")).with_suffix(".index.lock").touch(),
    "no repository": lambda home: shutil.rmtree(home / "repository.git"),
    "an empty repository": lambda home: (home / "repository.git/HEAD").write_bytes(b""),
    "no objects": lambda home: shutil.rmtree(home / "repository.git/objects"),
    "no folder": lambda home: shutil.rmtree(next(home.glob("*.index")).with_suffix("")),
}


async def test_what_an_accident_left_behind_heals(checkouts: Checkouts, url: str, sha: str) -> None:
    for what, damage in DAMAGE.items():
        folder = await checkouts.checkout(url, TOKEN, sha)
        (folder / "tests/a.py").unlink()
        damage(folder.parent)
        healed = await checkouts.checkout(url, TOKEN, sha)
        assert (healed / "tests/a.py").read_text() == "def test_a(): pass\n", what


async def test_the_checkouts_used_longest_ago_go_but_none_in_use(
    checkouts: Checkouts, url: str, sha: str, author: Author, portal: Portal
) -> None:
    others = [pushed(author, portal, f"{number}") for number in range(3)]
    async with checkouts.lease(url, TOKEN, sha) as in_use:
        first, second, third = [await checkouts.checkout(url, TOKEN, other) for other in others]
        assert [folder.is_dir() for folder in (in_use, first, second, third)] == [True, False, True, True]
    assert (await checkouts.checkout(url, TOKEN, others[0]) / "a").read_text() == "0"
    assert not in_use.is_dir()
    assert (await checkouts.checkout(url, TOKEN, sha) / "run").is_file()


async def test_what_a_killed_agent_left_half_done_goes(
    checkouts: Checkouts, url: str, sha: str, author: Author, portal: Portal
) -> None:
    folder = await checkouts.checkout(url, TOKEN, sha)
    rest = folder.parent / "tmp-0123"
    (rest / "files").mkdir(parents=True)
    os.utime(rest, (0, 0))
    await checkouts.checkout(url, TOKEN, pushed(author, portal, "later"))
    assert not rest.exists()


async def test_a_caller_that_gives_up_leaves_no_lease(checkouts: Checkouts, url: str, sha: str) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(checkouts.checkout(url, TOKEN, sha))
        await asyncio.sleep(0)
        waiting.cancel()
    folder = await checkouts.checkout(url, TOKEN, sha)
    assert (folder / "run").is_file()
    assert not any(name.endswith((".lease", ".turn")) for name in open_files())


async def test_the_token_is_on_no_command_line_and_in_no_file(
    url: str, sha: str, tmp_path: Path, portal: Portal
) -> None:
    seen: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        work = group.create_task(Checkouts(tmp_path / "cache").checkout(url, TOKEN, sha))
        while not work.done():
            seen += command_lines()
            await asyncio.sleep(0)
    assert any(b"fetch" in line for line in seen)
    secret = portal.requests[-1][2]["authorization"].split()[1].encode()
    files = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not any(word in text for word in (TOKEN.encode(), secret) for text in (*seen, *files))


def open_files() -> list[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def command_lines() -> list[bytes]:
    """Of git, as far as we have started it: others may run here, too."""
    found = []
    for process in descendants(os.getpid()):
        try:
            found.append(Path(f"/proc/{process}/cmdline").read_bytes())
        except OSError:
            continue
    return [line for line in found if line.startswith(b"git\0")]
