"""What is particular to objects in a bucket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from anyrig.core.errors import Invalid, Unavailable
from anyrig.storage.objects_s3 import StoreObjects

Fresh = Callable[[int], tuple[str, str, bytes]]


async def test_a_bucket_that_does_not_answer_is_unavailable(
    bucket: dict[str, str], tmp_path: Path, fresh: Fresh
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nobody = {**bucket, "endpoint": f"http://127.0.0.1:{port}"}
    objects = StoreObjects("s3://lab", nobody, tmp_path)
    with pytest.raises(Unavailable):
        await objects.put_small([fresh(1), fresh(2)])


async def test_a_bucket_that_is_not_there_is_unavailable(
    bucket: dict[str, str], tmp_path: Path, fresh: Fresh
) -> None:
    objects = StoreObjects("s3://elsewhere", bucket, tmp_path)
    with pytest.raises(Unavailable):
        await objects.put_small([fresh(1)])


def test_a_setting_that_no_store_has_is_refused(bucket: dict[str, str], tmp_path: Path) -> None:
    for url, options in (("s3://lab", {**bucket, "colour": "red"}), ("ftp://lab", bucket)):
        with pytest.raises(Invalid):
            StoreObjects(url, options, tmp_path)


async def test_many_small_objects_go_to_the_bucket_at_once(
    bucket: dict[str, str], tmp_path: Path, fresh: Fresh
) -> None:
    objects = StoreObjects("s3://lab/many", bucket, tmp_path)
    batch = [fresh(10) for _ in range(50)]
    await objects.put_small(batch)
    assert {stored.sha256 async for stored in objects.iterate()} == {sha256 for sha256, _, _ in batch}


async def test_the_spool_is_empty_when_the_bucket_has_the_object(
    bucket: dict[str, str], tmp_path: Path, fresh: Fresh
) -> None:
    objects = StoreObjects("s3://lab/spooled", bucket, tmp_path)
    sha256, md5, content = fresh(100)

    async def once() -> AsyncIterator[bytes]:
        yield content

    await objects.put_stream(sha256, md5, 100, 0, once())
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
