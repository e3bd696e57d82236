"""Packs that follow a work tree, a bare repository, a folder or an upstream."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.core.errors import BadField, PackUnavailable, RevisionNotFound
from anyrig.packs.hosting import Packs
from anyrig.packs.pack import Limits
from anyrig.packs.revisions import Revision
from anyrig.packs.source import Kind, recognise

if TYPE_CHECKING:
    from tests.contract.git.conftest import Author, Portal

MAIN = "refs/heads/main"


async def test_a_work_trees_next_commit_is_seen_at_once(packs: Packs, author: Author) -> None:
    first = author.commit({"tests/a.py": "def test_a(): pass\n"})
    await packs.adopt("tv", str(author.folder))
    assert await packs.resolve("tv", "HEAD") == Revision(first, MAIN)
    second = author.commit({"tests/a.py": "def test_b(): pass\n"})
    assert await packs.resolve("tv", "main") == Revision(second, MAIN)
    assert (await packs.resolve("tv", first)).sha == first
    assert await packs.list_tests("tv", second) == ("tests/a.py::test_b",)


async def test_uncommitted_changes_of_a_work_tree_are_not_seen(packs: Packs, author: Author) -> None:
    sha = author.commit({"tests/a.py": "def test_a(): pass\n"})
    author.write({"tests/a.py": "def test_b(): pass\n", "tests/new.py": "def test_c(): pass\n"})
    await packs.adopt("tv", str(author.folder))
    assert await packs.list_tests("tv", (await packs.resolve("tv", "HEAD")).sha) == ("tests/a.py::test_a",)
    assert (await packs.resolve("tv", "HEAD")).sha == sha


async def test_head_follows_the_branch_that_a_work_tree_has_checked_out(packs: Packs, author: Author) -> None:
    sha = author.commit()
    await packs.adopt("tv", str(author.folder))
    author.git("checkout", "--quiet", "-b", "feature")
    assert await packs.resolve("tv", "HEAD") == Revision(sha, "refs/heads/feature")
    author.git("checkout", "--quiet", "--detach")
    loose = author.commit({"a": "on no branch"})
    assert await packs.resolve("tv", "HEAD") == Revision(loose, None)
    author.git("checkout", "--quiet", "main")
    assert await packs.resolve("tv", "HEAD") == Revision(sha, MAIN)


async def test_a_linked_work_tree_can_be_followed(packs: Packs, author: Author, tmp_path: Path) -> None:
    author.commit()
    author.git("worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    await packs.adopt("tv", str(tmp_path / "linked"))
    assert (await packs.resolve("tv", "HEAD")).branch == "refs/heads/linked"
    sha = author.commit({"a": "in the other work tree"})
    assert (await packs.resolve("tv", "main")).sha == sha


async def test_branches_that_are_gone_are_gone(packs: Packs, author: Author) -> None:
    author.commit()
    author.git("branch", "old")
    await packs.adopt("tv", str(author.folder))
    assert (await packs.resolve("tv", "old")).branch == "refs/heads/old"
    author.git("branch", "--delete", "--force", "old")
    author.git("branch", "old/newer")
    with pytest.raises(RevisionNotFound):
        await packs.resolve("tv", "old")
    assert (await packs.resolve("tv", "old/newer")).branch == "refs/heads/old/newer"


async def test_a_rewritten_branch_is_followed(packs: Packs, author: Author) -> None:
    old = author.commit({"a": "old"})
    await packs.adopt("tv", str(author.folder))
    author.git("commit", "--quiet", "--amend", "--message", "another")
    assert (await packs.resolve("tv", "main")).sha == author.git("rev-parse", "HEAD") != old
    assert (await packs.resolve("tv", old)).sha == old


async def test_a_bare_repository_can_be_followed(packs: Packs, author: Author, tmp_path: Path) -> None:
    author.commit()
    author.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    await packs.adopt("tv", (tmp_path / "bare").as_uri())
    sha = author.commit({"a": "b"})
    author.git("push", "--quiet", str(tmp_path / "bare"), "HEAD:topic", "HEAD:refs/snapshots/tester")
    assert await packs.resolve("tv", "topic") == Revision(sha, "refs/heads/topic")
    assert await packs.resolve("tv", "refs/snapshots/tester") == Revision(sha, "refs/snapshots/tester")


async def test_a_work_tree_without_commits_can_be_adopted(packs: Packs, author: Author) -> None:
    await packs.adopt("tv", str(author.folder))
    with pytest.raises(RevisionNotFound):
        await packs.resolve("tv", "HEAD")
    sha = author.commit()
    assert (await packs.resolve("tv", "HEAD")).sha == sha


async def test_a_work_tree_of_somebody_else_can_be_followed(packs: Packs, author: Author) -> None:
    sha = author.commit()
    if os.geteuid() == 0:
        for path in (author.folder, *author.folder.rglob("*")):
            os.chown(path, 1234, 1234)
    await packs.adopt("tv", str(author.folder))
    assert (await packs.resolve("tv", "HEAD")).sha == sha


async def test_snapshots_pushed_to_us_survive_a_fetch(packs: Packs, author: Author) -> None:
    author.commit()
    author.git("update-ref", "refs/snapshots/tester", "HEAD")
    author.git("update-ref", "refs/snapshots/other", "HEAD")
    base = author.git("rev-parse", "HEAD")
    await packs.adopt("tv", str(author.folder))
    author.git("checkout", "--quiet", "--detach")
    snapshot = author.commit({"a": "a snapshot"})
    author.git("push", "--quiet", "--force", str(packs.repository("tv")), "HEAD:refs/snapshots/tester")
    author.git("checkout", "--quiet", "main")
    await packs.fetch("tv")
    assert (await packs.resolve("tv", "refs/snapshots/tester")).sha == snapshot
    assert (await packs.resolve("tv", "refs/snapshots/other")).sha == base


async def test_a_push_that_the_next_fetch_would_undo_is_refused(packs: Packs, author: Author) -> None:
    author.commit()
    await packs.adopt("tv", str(author.folder))
    author.commit({"a": "b"})
    with pytest.raises(subprocess.CalledProcessError) as failed:
        author.git("push", str(packs.repository("tv")), "main")
    assert b"This test pack follows another repository: push refs/heads/main there." in failed.value.stderr


async def test_a_plain_folder_makes_the_same_commit_wherever_it_is(packs: Packs, tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "tests").mkdir(parents=True)
        (tmp_path / place / "tests/a.py").write_text("def test_a(): pass\n")
        (tmp_path / place / "link").symlink_to("tests/a.py")
        await packs.adopt(place, str(tmp_path / place))
    one = await packs.resolve("one", "HEAD")
    assert one == await packs.resolve("two", "main") == Revision(one.sha, MAIN)
    assert await packs.list_tests("one", one.sha) == ("tests/a.py::test_a",)


async def test_a_plain_folder_makes_a_commit_only_when_it_has_changed(packs: Packs, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    (folder / "tests/__pycache__").mkdir(parents=True)
    (folder / "tests/a.py").write_text("def test_a(): pass\n")
    await packs.adopt("tv", str(folder))
    first = await packs.resolve("tv", "HEAD")
    (folder / "tests/a.py").touch()
    (folder / "tests/__pycache__/a.pyc").write_bytes(b"")
    await packs.adopt("tv", str(folder))
    assert await packs.resolve("tv", "HEAD") == first
    (folder / "tests/b.py").write_text("def test_b(): pass\n")
    second = await packs.resolve("tv", "HEAD")
    assert await packs.list_tests("tv", second.sha) == ("tests/a.py::test_a", "tests/b.py::test_b")
    (folder / "tests/b.py").unlink()
    third = await packs.resolve("tv", "HEAD")
    assert await packs.list_tests("tv", third.sha) == ("tests/a.py::test_a",)
    assert len({first.sha, second.sha, third.sha}) == 3
    assert (await packs.resolve("tv", second.sha)).sha == second.sha


async def test_a_folder_inside_a_work_tree_is_a_plain_folder(packs: Packs, author: Author) -> None:
    author.write(
        {"packs/tv/tests/a.py": "def test_a(): pass\n", "README": "not in the pack", ".gitignore": "*\n"}
    )
    await packs.adopt("tv", str(author.folder / "packs/tv"))
    sha = (await packs.resolve("tv", "HEAD")).sha
    assert await packs.list_tests("tv", sha) == ("tests/a.py::test_a",)
    assert not await packs.has_path("tv", sha, "README")


async def test_what_a_folders_gitignore_names_is_left_out(packs: Packs, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in ((".gitignore", "*.log\n"), ("run.log", "x"), ("kept", "x")):
        (folder / name).write_text(text)
    await packs.adopt("tv", str(folder))
    sha = (await packs.resolve("tv", "HEAD")).sha
    assert [await packs.has_path("tv", sha, name) for name in (".gitignore", "run.log", "kept")] == [
        True,
        False,
        True,
    ]


async def test_an_upstream_that_gets_a_commit_later_is_asked_for_it(
    packs: Packs, portal: Portal, author: Author
) -> None:
    first = author.commit()
    await packs.create("upstream")
    await author.online("push", "--quiet", portal.url("upstream"), "main")
    await packs.adopt("tv", portal.url("upstream"))
    assert await packs.resolve("tv", "HEAD") == Revision(first, MAIN)
    second = author.commit({"a": "b"})
    await author.online("push", "--quiet", portal.url("upstream"), "main", "HEAD:topic")
    assert (await packs.resolve("tv", "main")).sha == first
    assert (await packs.resolve("tv", second)).sha == second
    assert (await packs.resolve("tv", "main")).sha == second
    third = author.commit({"a": "c"})
    await author.online("push", "--quiet", portal.url("upstream"), "main")
    await packs.fetch("tv")
    assert (await packs.resolve("tv", "main")).sha == third


async def test_what_is_known_of_an_upstream_does_not_stay_fresh(
    portal: Portal, author: Author, tmp_path: Path
) -> None:
    author.commit()
    await portal.packs.create("upstream")
    await author.online("push", "--quiet", portal.url("upstream"), "main")
    async with Packs(tmp_path / "mirrors", Limits(fresh=0)) as packs:
        await packs.adopt("tv", portal.url("upstream"))
        sha = author.commit({"a": "b"})
        await author.online("push", "--quiet", portal.url("upstream"), "main")
        assert (await packs.resolve("tv", "main")).sha == sha


async def test_many_requests_for_an_unknown_revision_make_few_fetches(
    packs: Packs, portal: Portal, author: Author
) -> None:
    author.commit()
    await packs.create("upstream")
    await author.online("push", "--quiet", portal.url("upstream"), "main")
    await packs.adopt("tv", portal.url("upstream"))
    sha = author.commit({"a": "b"})
    await author.online("push", "--quiet", portal.url("upstream"), "HEAD:refs/snapshots/tester")
    portal.requests.clear()
    found = await asyncio.gather(*(packs.resolve("tv", sha) for _ in range(20)))
    assert {revision.sha for revision in found} == {sha}
    # One fetch lists the refs twice (HEAD, then all) and loads a pack.
    assert len([path for _, path, headers in portal.requests if path.endswith("info/refs")]) <= 4


async def test_what_is_known_serves_while_the_source_is_away(
    packs: Packs, author: Author, tmp_path: Path
) -> None:
    sha = author.commit()
    author.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    await packs.adopt("tv", str(tmp_path / "bare"))
    shutil.rmtree(tmp_path / "bare")
    assert (await packs.resolve("tv", "main")).sha == sha
    with pytest.raises(PackUnavailable, match="does not appear to be a git repository"):
        await packs.resolve("tv", "another")


async def test_an_upstream_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Packs(tmp_path / "packs", Limits(fetch=0.2, adopt=0.2)) as packs, server:
        with pytest.raises(PackUnavailable, match="took longer than"):
            await packs.adopt("tv", f"http://user:password@127.0.0.1:{port}/tv.git")
        with pytest.raises(PackUnavailable, match="took longer than"):
            await packs.resolve("tv", "main")


async def test_an_upstream_that_wants_a_password_is_told_by_a_sentence_without_ours(
    packs: Packs, portal: Portal
) -> None:
    await packs.create("upstream")
    with pytest.raises(PackUnavailable, match="The test pack of project 'tv' cannot be read: ") as told:
        await packs.adopt("tv", portal.url("upstream", token="wrong"))
    assert "wrong" not in str(told.value)
    assert (packs.repository("tv") / "anyrig-source").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://example.org/tv.git", Kind.UPSTREAM),
        ("ssh://git@example.org:22/tv.git", Kind.UPSTREAM),
        ("git://example.org/tv", Kind.UPSTREAM),
        ("git@example.org:team/tv.git", Kind.UPSTREAM),
        ("{tmp}", Kind.FOLDER),
        ("file://{tmp}", Kind.FOLDER),
    ],
)
def test_sources_are_recognised(text: str, kind: Kind, tmp_path: Path) -> None:
    assert recognise(text.format(tmp=tmp_path)).kind is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/no/such/folder",
        "ext::sh -c id",
        "--upload-pack=id",
        "ftp://x/y",
        "-oProxy=id:x",
        "https://a b",
        "a\nb",
    ],
)
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(BadField):
        recognise(text)
