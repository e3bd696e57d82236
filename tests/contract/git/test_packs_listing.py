"""The list of a pack's tests at a commit."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.core.errors import RevisionNotFound
from anyrig.packs.hosting import Packs
from anyrig.packs.objects import Objects
from anyrig.packs.pack import Limits
from anyrig.packs.parsers import Parsers

if TYPE_CHECKING:
    from tests.contract.git.conftest import Author


async def test_tests_are_listed_by_path_and_then_as_they_stand_in_the_file(
    packs: Packs, author: Author
) -> None:
    sha = author.commit(
        {
            "tests/b.py": "def test_z(): 1\ndef test_a(): 1\nclass TestMenu:\n  def test_m(self): 1\n",
            "tests/a/deep/é.py": "async def test_é(): pass\n",
            "tests/conftest.py": "import pytest\n",
            "tests/notes.txt": "def test_no(): pass\n",
            "tests/broken.py": "def test_x(:\n",
            "tests/__init__.py": "",
            "other/c.py": "def test_no(): pass\n",
            "test_top.py": "def test_no(): pass\n",
        }
    )
    await packs.adopt("tv", str(author.folder))
    assert await packs.list_tests("tv", sha) == (
        "tests/a/deep/é.py::test_é",
        "tests/b.py::test_z",
        "tests/b.py::test_a",
        "tests/b.py::TestMenu::test_m",
        "tests/broken.py::test_x",
    )


async def test_a_pack_without_tests_has_none(packs: Packs, author: Author) -> None:
    sha = author.commit({"README": "nothing here"})
    await packs.adopt("tv", str(author.folder))
    assert await packs.list_tests("tv", sha) == ()


async def test_what_is_no_commit_has_no_list(packs: Packs, author: Author) -> None:
    author.commit()
    await packs.adopt("tv", str(author.folder))
    for sha in ("0" * 40, "main", "--help", "", "main:tests"):
        with pytest.raises(RevisionNotFound):
            await packs.list_tests("tv", sha)


async def test_links_and_names_that_nobody_could_ask_for_are_left_out(packs: Packs, author: Author) -> None:
    names = ("tests/a.py", "tests/with space.py", "tests/new\nline.py", "tests/\udcff.py")
    author.write(dict.fromkeys(names, "def test_a(): pass\n"))
    (author.folder / "tests/link.py").symlink_to("a.py")
    sha = author.commit()
    await packs.adopt("tv", str(author.folder))
    assert await packs.list_tests("tv", sha) == ("tests/a.py::test_a", "tests/with space.py::test_a")


async def test_many_files_are_listed_by_several_callers_at_once(packs: Packs, author: Author) -> None:
    files = {
        f"tests/{n:03}.py": "\n".join(f"def test_{n}_{m}(): pass" for m in range(10)) for n in range(200)
    }
    sha = author.commit(files)
    await packs.adopt("tv", str(author.folder))
    first, *others = await asyncio.gather(*(packs.list_tests("tv", sha) for _ in range(5)))
    assert first == tuple(f"tests/{n:03}.py::test_{n}_{m}" for n in range(200) for m in range(10))
    assert set(others) == {first}
    following = author.commit({"tests/100.py": "def test_new(): pass\n"})
    assert (await packs.resolve("tv", "HEAD")).sha == following
    changed = await packs.list_tests("tv", following)
    assert set(changed) ^ set(first) == {f"tests/100.py::test_100_{m}" for m in range(10)} | {
        "tests/100.py::test_new"
    }
    assert await packs.list_tests("tv", sha) == first


async def test_a_file_larger_than_a_pipe_with_thousands_of_tests_is_listed(
    packs: Packs, author: Author
) -> None:
    source = "\n".join(f"def test_{number}(): '{'x' * 100}'" for number in range(5000))
    sha = author.commit({f"tests/{name}.py": f"# {name}\n{source}" for name in "abc"})
    await packs.adopt("tv", str(author.folder))
    tests = await packs.list_tests("tv", sha)
    assert tests == tuple(f"tests/{name}.py::test_{number}" for name in "abc" for number in range(5000))


async def test_a_list_that_was_given_up_half_way_can_be_had_again(packs: Packs, author: Author) -> None:
    sha = author.commit({f"tests/{n}.py": f"def test_{n}(): pass\n" * 50 for n in range(100)})
    await packs.adopt("tv", str(author.folder))
    listing = asyncio.ensure_future(packs.list_tests("tv", sha))
    await asyncio.sleep(0)
    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing
    assert len(await packs.list_tests("tv", sha)) == 100


async def test_names_of_two_projects_are_not_mixed_up(packs: Packs, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / f"tests/{name}.py").write_text("def test_a(): pass\n")
        await packs.adopt(name, str(tmp_path / name))
    lists = [await packs.list_tests(name, (await packs.resolve(name, "HEAD")).sha) for name in ("one", "two")]
    assert lists == [("tests/one.py::test_a",), ("tests/two.py::test_a",)]


async def test_more_packs_than_may_be_awake_are_all_read(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    async with Packs(tmp_path / "packs", Limits(awake=1)) as packs:
        for name in ("one", "two", "three"):
            await packs.adopt(name, str(tmp_path / "pack"))
        heads = [await packs.resolve(name, "HEAD") for _ in range(2) for name in ("one", "two", "three")]
    assert len(set(heads)) == 1


async def test_a_file_that_the_parser_does_not_survive_is_read_line_by_line(
    packs: Packs, author: Author
) -> None:
    author.commit({"a.py": "def test_a(): pass\n", "b.py": "if 1:\n  def test_b(): pass\n"})
    await packs.adopt("tv", str(author.folder))
    blobs = [author.git("rev-parse", f"HEAD:{name}") for name in ("a.py", "b.py")]
    objects, parsers = Objects(packs.repository("tv")), Parsers(("false",))
    assert list((await parsers.names(objects, blobs)).values()) == [("test_a",), ()]
    await objects.close()


async def test_processes_that_were_killed_are_started_again(packs: Packs, author: Author) -> None:
    sha = author.commit({"tests/a.py": "def test_a(): pass\n"})
    await packs.adopt("tv", str(author.folder))
    await packs.list_tests("tv", sha)
    for process in children():
        os.kill(process, signal.SIGKILL)
    sha = author.commit({"tests/a.py": "def test_b(): pass\n"})
    assert (await packs.resolve("tv", "HEAD")).sha == sha
    assert await packs.list_tests("tv", sha) == ("tests/a.py::test_b",)


def children() -> list[int]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(process) for process in found.split()]
