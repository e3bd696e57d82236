"""Listing 10,000 tests in 500 files at a revision, beside one ``ast`` parse of the files."""

import ast
import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from anyrig.packs.hosting import Packs
from bench.table import show

FILES = 500
TESTS = 20


def write(pack: Path, number: int, extra: str = "") -> None:
    body = "".join(
        f'def test_{n}():\n    """Test {n}."""\n'
        f'    assert wait_until(lambda: match("image{n}.png")), "No image"\n\n\n'
        for n in range(TESTS)
    )
    (pack / "tests" / f"file{number}.py").write_text(
        f"from stbt_core import match, wait_until\n\n\n{body}{extra}"
    )


def commit(pack: Path) -> None:
    subprocess.run(["git", "init", "-q", str(pack)], check=True)
    subprocess.run(["git", "-C", str(pack), "add", "-A"], check=True)
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", "-C", str(pack), *who, "commit", "-q", "-m", "Tests"], check=True)


async def listed(packs: Packs) -> tuple[float, int]:
    revision = await packs.resolve("tv", "HEAD")
    begin = time.perf_counter()
    found = await packs.list_tests("tv", revision.sha)
    return time.perf_counter() - begin, len(found)


async def measure(folder: Path) -> None:
    pack = folder / "pack"
    (pack / "tests").mkdir(parents=True)
    for number in range(FILES):
        write(pack, number)
    await asyncio.to_thread(commit, pack)
    async with Packs(folder / "packs") as packs:
        await packs.create("warm")
        await packs.adopt("tv", str(pack))
        begin = time.perf_counter()
        for file in (pack / "tests").iterdir():
            ast.parse(file.read_text())
        parse = time.perf_counter() - begin
        cold, count = await listed(packs)
        cached, _ = await listed(packs)
        write(pack, 7, "def test_new():\n    pass\n")
        await asyncio.to_thread(commit, pack)
        following, _ = await listed(packs)
    rows: list[tuple[object, ...]] = [
        ("one ast parse", parse * 1e3, ""),
        ("cold", cold * 1e3, f"{1.2 * parse * 1e3:.0f}"),
        ("next commit", following * 1e3, "50"),
        ("cached", cached * 1e3, "10"),
    ]
    show(f"Listing {count:,} tests in {FILES} files", ("", "ms", "asked, at most"), rows)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
