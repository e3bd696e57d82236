"""What a revision names, in a pack that is pushed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anyrig.core.errors import BadField, NotFound, PackUnavailable, RevisionNotFound
from anyrig.packs.hosting import Packs
from anyrig.packs.revisions import Revision

if TYPE_CHECKING:
    from tests.contract.git.conftest import Author


@pytest.fixture
async def shas(packs: Packs, author: Author) -> list[str]:
    """Three commits on ``master``, the first of them on ``feature/x``, the second as tag ``v1``."""
    author.git("checkout", "--quiet", "-b", "master")
    shas = [author.commit({"menu.py": f"{number}"}) for number in range(3)]
    author.git("branch", "feature/x", shas[0])
    author.git("tag", "--annotate", "--message=one", "v1", shas[1])
    await packs.create("tv")
    author.git("push", "--quiet", str(packs.repository("tv")), "master", "feature/x", "v1")
    await packs.pushed("tv")
    return shas


async def test_branches_tags_and_shas_resolve(packs: Packs, shas: list[str]) -> None:
    first, second, third = shas
    expected = {
        "master": Revision(third, "refs/heads/master"),
        "refs/heads/master": Revision(third, "refs/heads/master"),
        "heads/master": Revision(third, "refs/heads/master"),
        "feature/x": Revision(first, "refs/heads/feature/x"),
        "v1": Revision(second, "refs/tags/v1"),
        "refs/tags/v1": Revision(second, "refs/tags/v1"),
        first: Revision(first, None),
        first.upper(): Revision(first, None),
        first[:9]: Revision(first, None),
    }
    assert {name: await packs.resolve("tv", name) for name in expected} == expected


async def test_head_is_the_branch_that_was_pushed_when_there_is_no_main(
    packs: Packs, shas: list[str]
) -> None:
    assert await packs.resolve("tv", "HEAD") == Revision(shas[2], "refs/heads/master")


async def test_head_is_main_as_soon_as_main_is_there_first(packs: Packs, author: Author) -> None:
    sha = author.commit()
    author.git("branch", "another")
    await packs.create("tv")
    author.git("push", "--quiet", str(packs.repository("tv")), "main", "another")
    await packs.pushed("tv")
    assert await packs.resolve("tv", "HEAD") == Revision(sha, "refs/heads/main")


WEIRD = (
    "",
    " ",
    "--help",
    "-v",
    "^",
    "^master",
    "~",
    "@{1}",
    "@{-1}",
    "@{upstream}",
    "HEAD@{1}",
    "HEAD^",
    "HEAD~1",
    "master~1",
    "master:menu.py",
    ":menu.py",
    ":/change",
    "master^{/change}",
    "master..v1",
    "v1^{tree}",
    "master\nHEAD",
    "master\0",
    "master ",
    "master\u2028",
    "ma\ud800ster",
    "../../config",
    "/etc/passwd",
    "refs/heads/../heads/master",
    "refs/heads/",
    "refs/",
    ".lock",
    "master.lock",
    "mas*er",
    "[m]aster",
    "nope",
    "FETCH_HEAD",
    "config",
    "abc",
    "0" * 40,
    "f" * 39,
    "g" * 40,
    "x" * 100_000,
)


async def test_anything_else_is_no_revision(packs: Packs, shas: list[str]) -> None:
    for revision in WEIRD:
        with pytest.raises(RevisionNotFound):
            await packs.resolve("tv", revision)
        assert (await packs.resolve("tv", "master")).sha == shas[2], revision


async def test_a_blob_and_a_tree_are_no_revisions(packs: Packs, shas: list[str], author: Author) -> None:
    for name in ("HEAD:menu.py", "HEAD^{tree}"):
        with pytest.raises(RevisionNotFound):
            await packs.resolve("tv", author.git("rev-parse", name))


async def test_a_branch_goes_before_a_short_sha_and_a_tag_of_its_name(
    packs: Packs, shas: list[str], author: Author
) -> None:
    author.git("branch", shas[0][:8], shas[1])
    author.git("tag", shas[0][:8], shas[2])
    author.git("push", "--quiet", str(packs.repository("tv")), "--all")
    author.git("push", "--quiet", str(packs.repository("tv")), "--tags")
    assert await packs.resolve("tv", shas[0][:8]) == Revision(shas[1], f"refs/heads/{shas[0][:8]}")


async def test_a_snapshot_its_parent_and_a_replaced_snapshot_resolve(packs: Packs, author: Author) -> None:
    await packs.create("tv")
    there = str(packs.repository("tv"))
    parent = author.commit()
    old = author.commit({"menu.py": "old"})
    author.git("push", "--quiet", there, "HEAD:refs/snapshots/tester")
    author.git("reset", "--quiet", "--hard", parent)
    new = author.commit({"menu.py": "new"})
    author.git("push", "--quiet", "--force", there, "HEAD:refs/snapshots/tester")
    assert [(await packs.resolve("tv", sha)).sha for sha in (parent, old, new)] == [parent, old, new]
    name = "refs/snapshots/tester"
    assert await packs.resolve("tv", name) == Revision(new, name)


async def test_a_repository_pushed_to_repacked_and_collected_is_read_on(
    packs: Packs, shas: list[str], author: Author
) -> None:
    there = str(packs.repository("tv"))
    author.git("--git-dir", there, "gc", "--quiet", "--prune=now")
    sha = author.commit({"menu.py": "later"})
    author.git("push", "--quiet", there, "master")
    assert (await packs.resolve("tv", "master")).sha == sha
    assert (await packs.resolve("tv", shas[0])).sha == shas[0]


async def test_closed_packs_open_again(packs: Packs, shas: list[str]) -> None:
    await packs.close()
    assert (await packs.resolve("tv", "master")).sha == shas[2]


async def test_files_are_read_through_links_inside_the_pack_only(packs: Packs, author: Author) -> None:
    author.write({"config/stbt.conf": "[test_pack]\n", "tests/a.py": b"\xff\0\n"})
    for name, target in ((".stbt.conf", "config/stbt.conf"), ("out", "/etc/passwd"), ("loop", "loop")):
        (author.folder / name).symlink_to(target)
    sha = author.commit()
    await packs.adopt("tv", str(author.folder))
    assert await packs.read_file("tv", sha, ".stbt.conf") == b"[test_pack]\n"
    assert await packs.read_file("tv", sha, "tests/a.py") == b"\xff\0\n"
    assert await packs.has_path("tv", sha, "config")
    assert await packs.has_path("tv", sha, ".stbt.conf")
    for path in ("out", "loop", "config", "nope", "", "/", "./config", "a\nb", "../x", "config/", "x" * 5000):
        assert await packs.read_file("tv", sha, path) is None
    assert not await packs.has_path("tv", sha, "nope")
    assert not await packs.has_path("tv", "0" * 40, "config")
    assert not await packs.has_path("tv", "main", "config")


async def test_a_project_without_a_pack_is_not_found(packs: Packs) -> None:
    with pytest.raises(NotFound, match=r"There is no test pack of project 'tv'\."):
        await packs.resolve("tv", "HEAD")
    assert not packs.has("tv")


@pytest.mark.parametrize("project", ["", "..", "a/b", "../x", "a.git", "-x", "a\n"])
async def test_a_name_that_is_no_projects_name_is_refused(packs: Packs, project: str) -> None:
    with pytest.raises(BadField):
        await packs.create(project)


async def test_a_pack_without_commits_has_no_revisions(packs: Packs) -> None:
    await packs.create("tv")
    await packs.create("tv")
    with pytest.raises(RevisionNotFound):
        await packs.resolve("tv", "HEAD")


async def test_a_damaged_repository_is_told_by_a_sentence(packs: Packs, shas: list[str]) -> None:
    (packs.repository("tv") / "HEAD").unlink()
    await packs.close()
    with pytest.raises(PackUnavailable, match="The test pack of project 'tv' cannot be read: "):
        await packs.resolve("tv", "master")
