"""Records in real files, where they may be and nowhere else."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BuildConfig
from anyrig.core.extensions import read_all
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.logs import FileLog, read
from anyrig.engine.announcing import checking
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.files import check, tell
from anyrig.engine.announcing.rotation import rotate

PLAIN = "%(message)s"


@pytest.fixture
def around(tmp_path: Path) -> Around:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    return Around(tmp_path / "data" / "logs", (tmp_path / "unused", allowed))


def file_log(**options: Any) -> FileLog:
    return read({"format": PLAIN, **options}, "test")


def said(message: str) -> Announcement:
    return Announcement("7-1", "test", "builds", Record(0, Channel.RUN, Level.INFO, message))


async def told(options: FileLog, around: Around, *messages: str) -> None:
    for message in messages:
        await tell(options, said(message), around)


async def test_a_file_is_begun_with_its_folders_and_goes_on_growing(around: Around) -> None:
    options = file_log(path="web/shop")
    check(options, around)
    assert not around.logs.exists()
    await told(options, around, "one", "two\nlines")
    await told(options, around, "žluťoučký")
    file = around.logs / "web" / "shop" / "test.log"
    assert file.read_text() == "one\ntwo\nlines\nžluťoučký\n"
    assert file.stat().st_mode & 0o027 == 0


async def test_a_folder_of_the_settings_may_be_named_absolutely(around: Around) -> None:
    allowed = around.file_log_folders[1]
    for path in (allowed, allowed / "deep" / "down"):
        options = file_log(path=str(path), filename="x.log")
        check(options, around)
        await told(options, around, "here")
        assert (path / "x.log").read_text() == "here\n"


def _no_setting(_around: Around, _tmp: Path) -> FileLog:
    return file_log(path="/etc")


def _looks_alike(around: Around, _tmp: Path) -> FileLog:
    return file_log(path=f"{around.file_log_folders[1]}-not")


def _back(around: Around, _tmp: Path) -> FileLog:
    return file_log(path=f"{around.file_log_folders[1]}/../elsewhere")


def _further_back(_around: Around, _tmp: Path) -> FileLog:
    return file_log(path="a/../../elsewhere")


def _folder_link(around: Around, tmp: Path) -> FileLog:
    around.logs.mkdir(parents=True)
    (around.logs / "link").symlink_to(tmp / "elsewhere")
    return file_log(path="link")


def _deep_folder_link(around: Around, tmp: Path) -> FileLog:
    (around.file_log_folders[1] / "a").symlink_to(tmp / "elsewhere")
    return file_log(path=str(around.file_log_folders[1] / "a" / "b"))


def _file_link(around: Around, tmp: Path) -> FileLog:
    around.logs.mkdir(parents=True)
    (around.logs / "test.log").symlink_to(tmp / "elsewhere" / "test.log")
    return file_log()


def _pipe(around: Around, _tmp: Path) -> FileLog:
    around.logs.mkdir(parents=True)
    os.mkfifo(around.logs / "test.log")
    return file_log()


def _folder(around: Around, _tmp: Path) -> FileLog:
    (around.logs / "test.log").mkdir(parents=True)
    return file_log()


def _file_as_folder(around: Around, _tmp: Path) -> FileLog:
    around.logs.mkdir(parents=True)
    (around.logs / "x").write_text("")
    return file_log(path="x")


def _long(around: Around, _tmp: Path) -> FileLog:
    around.logs.mkdir(parents=True)
    return file_log(filename="x" * 300)


@pytest.mark.parametrize(
    ("lay", "reason"),
    [
        (_no_setting, "setting file_log_folders has no folder that '/etc' is in"),
        (_looks_alike, "file_log_folders"),
        (_back, "leads back"),
        (_further_back, "leads back"),
        (_folder_link, "folder link is no folder, or a link"),
        (_deep_folder_link, "folder a is no folder, or a link"),
        (_file_link, "test.log"),
        (_pipe, "is no file"),
        (_folder, "test.log"),
        (_file_as_folder, "folder x is no folder"),
        (_long, "File name too long"),
    ],
)
async def test_what_leads_elsewhere_is_refused_for_ever_and_known_before(
    lay: Callable[[Around, Path], FileLog], reason: str, around: Around, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = lay(around, tmp_path)
    with pytest.raises(NotTold, match=reason):
        check(options, around)
    with pytest.raises(NotTold) as refused:
        await told(options, around, "secret")
    assert refused.value.for_ever
    assert list(elsewhere.iterdir()) == []


async def test_a_folder_of_the_settings_that_is_not_there_is_not_made_but_waited_for(around: Around) -> None:
    options = file_log(path=str(around.file_log_folders[0]))
    with pytest.raises(NotTold, match="No such file or directory") as refused:
        await told(options, around, "one")
    assert not refused.value.for_ever
    around.file_log_folders[0].mkdir()
    await told(options, around, "one")
    assert (around.file_log_folders[0] / "test.log").read_text() == "one\n"


def test_a_build_is_refused_that_wants_a_file_where_none_may_be(around: Around) -> None:
    wanted = {
        "mine": {"module": "file_logs", "path": "/etc"},
        "hook": {"module": "webhooks", "url": "http://x"},
    }
    config = BuildConfig("test", "builds", extensions=read_all(wanted, "test"))
    with pytest.raises(BadExtension, match="Could not load extension mine: the server's setting"):
        checking.check(config, around)
    checking.check(config, replace(around, file_log_folders=(Path("/etc"),)))


async def test_a_file_that_would_get_too_large_is_renamed_and_so_are_older_ones(around: Around) -> None:
    options = file_log(rotating=True, max_bytes=30, backup_count=2)
    await told(options, around, *(f"line {number:04}" for number in range(11)))
    files = {file.name: file.read_text().split("\n")[:-1] for file in around.logs.iterdir()}
    assert files == {
        "test.log": ["line 0009", "line 0010"],
        "test.log.1": ["line 0006", "line 0007", "line 0008"],
        "test.log.2": ["line 0003", "line 0004", "line 0005"],
    }


@pytest.mark.parametrize(
    "options",
    [
        {"max_bytes": 10, "backup_count": 2},
        {"rotating": True, "backup_count": 2},
        {"rotating": True, "max_bytes": 10},
    ],
)
async def test_a_file_is_never_renamed_unless_all_is_said(options: dict[str, Any], around: Around) -> None:
    await told(file_log(**options), around, "0123456789", "0123456789")
    assert [file.name for file in around.logs.iterdir()] == ["test.log"]


async def test_a_line_that_is_larger_than_a_file_may_be_is_written_all_the_same(around: Around) -> None:
    options = file_log(rotating=True, max_bytes=5, backup_count=9)
    await told(options, around, "0123456789", "abcdefghij")
    assert (around.logs / "test.log.1").read_text() == "0123456789\n"
    assert (around.logs / "test.log").read_text() == "abcdefghij\n"


async def test_no_line_is_lost_when_many_write_and_rename_one_file(around: Around) -> None:
    options = file_log(rotating=True, max_bytes=40, backup_count=200)

    async def write(message: str) -> None:
        while True:
            with suppress(NotTold):  # another one renames the files just now
                return await tell(options, said(message), around)

    messages = [f"line {number:04}" for number in range(100)]
    async with asyncio.timeout(30):
        await asyncio.gather(*map(write, messages))
    found = [line for file in around.logs.iterdir() for line in file.read_text().splitlines()]
    assert sorted(found) == messages
    assert len(list(around.logs.iterdir())) > 10


async def test_who_comes_too_late_to_rename_finds_that_it_was_done(around: Around) -> None:
    options = file_log(rotating=True, max_bytes=5, backup_count=9)
    await told(options, around, "one")
    folder = os.open(around.logs, os.O_RDONLY)
    try:
        rotate(options, folder, 1)
        assert [file.name for file in around.logs.iterdir()] == ["test.log"]
        rotate(options, folder, 2)
        assert [file.name for file in around.logs.iterdir()] == ["test.log.1"]
        await told(options, around, "two")
        with pytest.raises(NotTold, match="temporarily unavailable") as refused:
            await told(options, around, "three")
    finally:
        os.close(folder)
    assert not refused.value.for_ever
    await told(options, around, "three")
    assert (around.logs / "test.log.1").read_text() == "two\n"


async def test_a_line_that_was_cut_off_does_not_spoil_the_next(around: Around) -> None:
    await told(file_log(), around, "one")
    with (around.logs / "test.log").open("a") as file:
        file.write("tw")
    await told(file_log(), around, "two")
    assert (around.logs / "test.log").read_text() == "one\ntw\ntwo\n"


_ON_A_SMALL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.extensions.logs import read
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.files import tell

def let(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def told(message):
    said = Announcement("7-1", "test", "builds", Record(0, Channel.RUN, Level.INFO, message))
    try:
        asyncio.run(tell(read({"format": "%(message)s"}, "test"), said, Around(Path(sys.argv[1]))))
    except NotTold as error:
        print(error, error.for_ever)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
let(12)
told("one")
told("two and more")
told("two and more")
let(resource.RLIM_INFINITY)
told("two and more")
"""


async def test_a_full_disk_is_a_reason_to_try_again(around: Around) -> None:
    """The limit that a process has for its files stands for the disk."""
    argv = (sys.executable, "-c", _ON_A_SMALL_DISK, str(around.logs))
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        printed, _ = await process.communicate()
    assert printed.decode().splitlines() == [
        "test.log: No space left on device False",
        "test.log: File too large False",
    ]
    assert (around.logs / "test.log").read_text() == "one\ntwo and \ntwo and more\n"
