"""What is particular to objects in a folder."""

import hashlib
import os
import time
from pathlib import Path

from anyrig.storage.objects_files import FileObjects

CONTENT = b"screenshot"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def test_an_object_is_a_plain_file_under_its_name(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    await objects.put_small([(SHA256, MD5, CONTENT)])
    assert objects.path(SHA256) == tmp_path / SHA256[:2] / SHA256[2:]
    assert objects.path(SHA256).read_bytes() == CONTENT
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_putting_an_object_again_saves_it_from_a_sweep(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    for offer in (objects.put_small([(SHA256, MD5, CONTENT)]), objects.offset(SHA256)):
        await objects.put_small([(SHA256, MD5, CONTENT)])
        os.utime(objects.path(SHA256), (0, 0))
        await offer
        [stored] = [stored async for stored in objects.iterate()]
        assert stored.modified > time.time_ns() // 1000 - 60_000_000


async def test_what_a_power_cut_left_without_a_name_gets_it(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / f"{SHA256}.0123.whole").write_bytes(CONTENT)
    objects = FileObjects(tmp_path)
    assert await objects.size(SHA256) == len(CONTENT)


async def test_half_an_object_gets_no_name_after_a_power_cut(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / f"{SHA256}.0123.whole").write_bytes(CONTENT[:-1])
    objects = FileObjects(tmp_path)
    assert await objects.size(SHA256) is None
    assert await objects.expire_parts(time.time_ns() // 1000 + 1_000_000) == 1


async def test_an_object_that_is_deleted_is_still_read_to_its_end(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    content = os.urandom(3_000_000)
    sha256 = hashlib.sha256(content).hexdigest()
    await objects.put_small([(sha256, hashlib.md5(content, usedforsecurity=False).hexdigest(), content)])
    got = b""
    async for block in objects.open(sha256, 0, len(content)):
        await objects.delete(sha256)
        got += block
    assert got == content


async def test_other_files_in_the_folder_are_no_objects(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "notes.txt").write_text("mine")
    assert [stored async for stored in objects.iterate()] == []
