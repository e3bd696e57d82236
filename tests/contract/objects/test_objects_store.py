"""What every store of objects does, whether it is a folder or a bucket."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from anyrig.core.errors import BadField, BadObject, NotFound, Unavailable, WrongOffset
from anyrig.storage.artifacts import Objects

MIB = 1 << 20
NO_NAMES = ["", "../../../etc/passwd", "a" * 63, "a" * 65, "A" * 64, "a" * 62 + "/b", "é" * 64]
Fresh = Callable[[int], tuple[str, str, bytes]]


class CutOffError(Exception):
    """Stands for whatever ends a connection."""


async def chunks(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def cut_off(content: bytes) -> AsyncIterator[bytes]:
    async for chunk in chunks(content):
        yield chunk
    raise CutOffError


async def read(objects: Objects, sha256: str, start: int, stop: int) -> bytes:
    return b"".join([block async for block in objects.open(sha256, start, stop)])


async def test_small_objects_are_there_once_they_are_put(objects: Objects, fresh: Fresh) -> None:
    batch = [fresh(size) for size in (0, 1, 5_000, 200_000)]
    await objects.put_small(batch)
    for sha256, _, content in batch:
        assert await objects.size(sha256) == len(content)
        assert await objects.offset(sha256) is None
        assert await read(objects, sha256, 0, len(content)) == content


async def test_an_object_may_be_put_twice_and_twice_in_one_batch(objects: Objects, fresh: Fresh) -> None:
    one = fresh(100)
    await objects.put_small([one, one])
    await objects.put_small([one])
    assert await read(objects, one[0], 0, 100) == one[2]


async def test_a_batch_with_one_wrong_object_leaves_nothing(objects: Objects, fresh: Fresh) -> None:
    right, (sha256, md5, _) = fresh(10), fresh(10)
    for wrong in ((sha256, md5, b"else"), (sha256, right[1], b"else"), (right[0], md5, right[2])):
        with pytest.raises(BadObject):
            await objects.put_small([right, wrong])
    assert await objects.size(right[0]) is None


async def test_a_stream_is_stored_whole(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(5 * MIB + 7)
    await objects.put_stream(sha256, md5, len(content), 0, chunks(content))
    assert await objects.size(sha256) == len(content)
    assert await read(objects, sha256, 0, len(content)) == content
    assert await read(objects, sha256, 3 * MIB - 5, 3 * MIB + 9) == content[3 * MIB - 5 : 3 * MIB + 9]


async def test_a_stream_of_something_that_is_there_is_not_read(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(10)
    await objects.put_small([(sha256, md5, content)])
    await objects.put_stream(sha256, md5, 10, 0, cut_off(b""))


async def test_an_empty_stream_is_an_object_too(objects: Objects) -> None:
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    await objects.delete(sha256)
    await objects.put_stream(sha256, "d41d8cd98f00b204e9800998ecf8427e", 0, 0, chunks(b""))
    assert await objects.size(sha256) == 0


@pytest.mark.parametrize("came", [1, 100_000, 3 * MIB, 5 * MIB])
async def test_a_cut_stream_goes_on_where_it_was(objects: Objects, fresh: Fresh, came: int) -> None:
    sha256, md5, content = fresh(5 * MIB)
    with pytest.raises(CutOffError):
        await objects.put_stream(sha256, md5, len(content), 0, cut_off(content[:came]))
    assert await objects.offset(sha256) == came
    assert await objects.size(sha256) is None
    await objects.put_stream(sha256, md5, len(content), came, chunks(content[came:]))
    assert await read(objects, sha256, 0, len(content)) == content


async def test_a_stream_at_the_wrong_offset_is_told_the_right_one(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(1000)
    with pytest.raises(CutOffError):
        await objects.put_stream(sha256, md5, 1000, 0, cut_off(content[:300]))
    for wrong in (1, 299, 301, 1000):
        with pytest.raises(WrongOffset) as refused:
            await objects.put_stream(sha256, md5, 1000, wrong, chunks(content[wrong:]))
        assert refused.value.fields["offset"] == 300


async def test_offset_nought_starts_over(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(1000)
    with pytest.raises(CutOffError):
        await objects.put_stream(sha256, md5, 1000, 0, cut_off(b"nonsense"))
    await objects.put_stream(sha256, md5, 1000, 0, chunks(content))
    assert await read(objects, sha256, 0, 1000) == content


async def test_bytes_that_are_not_what_was_announced_are_forgotten(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(2 * MIB)
    other_md5 = fresh(1)[1]
    for sent, announced_md5 in (
        (content[:-1], md5),
        (content + b"x", md5),
        (content + content, md5),
        (b"x" + content[1:], md5),
        (content, other_md5),
    ):
        with pytest.raises(BadObject):
            await objects.put_stream(sha256, announced_md5, len(content), 0, chunks(sent))
        assert await objects.offset(sha256) == 0
        assert await objects.size(sha256) is None


async def test_a_wrong_beginning_is_found_when_the_rest_has_come(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(1000)
    with pytest.raises(CutOffError):
        await objects.put_stream(sha256, md5, 1000, 0, cut_off(b"x" * 500))
    with pytest.raises(BadObject):
        await objects.put_stream(sha256, md5, 1000, 500, chunks(content[500:]))
    assert await objects.offset(sha256) == 0


async def test_two_cannot_send_the_same_object_at_once(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(1000)
    first_is_at_it, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        first_is_at_it.set()
        await go_on.wait()
        yield content

    async with asyncio.TaskGroup() as group:
        group.create_task(objects.put_stream(sha256, md5, 1000, 0, slowly()))
        await first_is_at_it.wait()
        with pytest.raises(Unavailable):
            await objects.put_stream(sha256, md5, 1000, 0, chunks(content))
        go_on.set()
    assert await read(objects, sha256, 0, 1000) == content


async def test_a_cancelled_stream_leaves_the_object_to_others(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(3 * MIB)
    stuck = asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        async for chunk in chunks(content):
            yield chunk
        stuck.set()
        await asyncio.Event().wait()

    sending = asyncio.ensure_future(objects.put_stream(sha256, md5, len(content), 0, never_ending()))
    await stuck.wait()
    sending.cancel()
    await asyncio.wait([sending])
    offset = await objects.offset(sha256)
    assert offset is not None
    await objects.put_stream(sha256, md5, len(content), offset, chunks(content[offset:]))
    assert await read(objects, sha256, 0, len(content)) == content


async def test_what_is_deleted_is_gone(objects: Objects, fresh: Fresh) -> None:
    one = fresh(10)
    await objects.put_small([one])
    await objects.delete(one[0])
    await objects.delete(one[0])
    assert await objects.size(one[0]) is None
    with pytest.raises(NotFound):
        await read(objects, one[0], 0, 10)


async def test_a_sweep_sees_all_objects_and_when_they_came(objects: Objects, fresh: Fresh) -> None:
    batch = [fresh(size) for size in range(10, 30)]
    await objects.put_small(batch)
    seen = {stored.sha256: stored async for stored in objects.iterate()}
    now = time.time_ns() // 1000
    for sha256, _, content in batch:
        assert seen[sha256].size == len(content)
        assert abs(seen[sha256].modified - now) < 60_000_000


async def test_a_part_that_nobody_goes_on_with_expires(objects: Objects, fresh: Fresh) -> None:
    sha256, md5, content = fresh(1000)
    with pytest.raises(CutOffError):
        await objects.put_stream(sha256, md5, 1000, 0, cut_off(content[:300]))
    now = time.time_ns() // 1000
    await objects.expire_parts(now - 60_000_000)
    assert await objects.offset(sha256) == 300
    assert await objects.expire_parts(now + 60_000_000) >= 1
    assert await objects.offset(sha256) == 0


@pytest.mark.parametrize("name", NO_NAMES, ids=range(len(NO_NAMES)))
async def test_nothing_but_a_sha256_names_an_object(objects: Objects, fresh: Fresh, name: str) -> None:
    _, md5, content = fresh(1)
    for refused in (
        objects.size(name),
        objects.offset(name),
        objects.delete(name),
        objects.put_small([(name, md5, content)]),
        objects.put_stream(name, md5, 1, 0, chunks(content)),
        read(objects, name, 0, 1),
    ):
        with pytest.raises(BadField):
            await refused
    with pytest.raises(BadField):
        objects.path(name)
