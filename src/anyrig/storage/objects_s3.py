"""Objects in a bucket: S3 and everything else that obstore speaks.

A large upload is first spooled to a local folder, because a bucket can neither go on with an upload that
broke off nor take back one whose checksum is wrong. Only what is whole and checked is sent on, in parts.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from anyrig.core.errors import Invalid, NotFound, Unavailable
from anyrig.storage.artifacts import Stored
from anyrig.storage.digests import SHA256, check_whole, checked_md5, checked_sha256
from anyrig.storage.objects_parts import Announced, Parts

_READ = 8 << 20
"""Bytes a request. Short requests end in time however slowly the reader takes the bytes."""
_PART = 16 << 20
"""Bytes a part of an upload: S3 allows 10,000 parts, so an object may have 160 GB."""
_AT_ONCE = 16
"""Requests under way for one batch of small objects."""
_CONNECTION = {
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "pool_idle_timeout",
    "proxy_excludes",
    "proxy_url",
    "root_certificate",
    "timeout",
    "user_agent",
}
"""Options that obstore wants apart from those of the kind of store."""
_TIMEOUT = "120s"
"""For one request, the bytes of a part or a block included."""
_OFFERED = 12 * 3600 * 1_000_000_000
"""Nanoseconds for which what is there need not be sent again: half of what nothing younger is removed."""
_RETRIES = 3
"""Few: agents try again by themselves, and a reader would rather know."""


class StoreObjects:
    """The store for many replicas of the server; each has a spool folder of its own."""

    def __init__(self, url: str, options: Mapping[str, str], spool: Path) -> None:
        """Name the bucket (``s3://bucket/prefix``); nothing is sent yet.

        Args:
            url: Anything ``obstore.store.from_url`` takes.
            options: Settings of that kind of store, such as ``endpoint``, ``region``, ``access_key_id``, and
                of the connection, such as ``allow_http`` (``true`` for a store without TLS) or ``proxy_url``.
            spool: A local folder for uploads that are not whole yet; made if missing.

        Raises:
            Invalid: There is no such kind of store, or no such setting.
        """
        spool.mkdir(parents=True, exist_ok=True)
        self._parts = Parts(spool)
        self._store = _connected(url, options)

    def path(self, sha256: str) -> None:
        """See Objects."""
        checked_sha256(sha256)

    async def size(self, sha256: str) -> int | None:
        """See Objects."""
        with _answers():
            try:
                return (await obstore.head_async(self._store, _key(sha256)))["size"]
            except FileNotFoundError:
                return None

    async def offset(self, sha256: str) -> int | None:
        """See Objects."""
        if await self._is_offered(sha256):
            return None
        return await asyncio.to_thread(self._parts.offset, sha256)

    async def _is_offered(self, sha256: str) -> bool:
        """Whether it is there and stays for a while. An old one is sent again, which makes it new."""
        modified = await self._modified(sha256)
        return modified is not None and modified > (time.time_ns() - _OFFERED) // 1000

    async def _modified(self, sha256: str) -> int | None:
        with _answers():
            try:
                found = await obstore.head_async(self._store, _key(sha256))
            except FileNotFoundError:
                return None
        return _microseconds(found["last_modified"])

    async def open(self, sha256: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """See Objects."""
        key = _key(sha256)
        for at in range(start, stop, _READ):
            yield await self._read(key, at, min(at + _READ, stop))

    async def _read(self, key: str, start: int, stop: int) -> bytes:
        with _answers():
            try:
                return bytes(await obstore.get_range_async(self._store, key, start=start, end=stop))
            except FileNotFoundError as error:
                raise NotFound(what="object", name=key.replace("/", "")) from error

    async def put_small(self, objects: Sequence[tuple[str, str, bytes]]) -> None:
        """See Objects."""
        await asyncio.to_thread(_check_all, objects)
        contents = {sha256: content for sha256, _, content in objects}
        places = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for sha256, content in contents.items():
                    group.create_task(self._put(sha256, content, places))
        except* Unavailable as errors:
            raise errors.exceptions[0] from None

    async def _put(self, sha256: str, content: bytes, places: asyncio.Semaphore) -> None:
        async with places:
            with _answers():
                await obstore.put_async(self._store, _key(sha256), content, use_multipart=False)

    async def put_stream(
        self, sha256: str, md5: str, size: int, offset: int, chunks: AsyncIterator[bytes]
    ) -> None:
        """See Objects."""
        announced = Announced(checked_sha256(sha256), checked_md5(md5), size)
        if await self._is_offered(sha256):
            return
        async with self._parts.filled(announced, offset, chunks) as path:
            with _answers():
                await obstore.put_async(self._store, _key(sha256), path, chunk_size=_PART, max_concurrency=2)
            await asyncio.to_thread(path.unlink)

    async def delete(self, sha256: str) -> None:
        """See Objects."""
        with _answers():
            try:
                await obstore.delete_async(self._store, _key(sha256))
            except FileNotFoundError:
                return  # S3 itself does not say; others do

    async def delete_old(self, sha256: str, before: int) -> bool:
        """See Objects. A bucket has no way to look and remove at once: in between are some milliseconds."""
        modified = await self._modified(sha256)
        if modified is None or modified >= before:
            return False
        await self.delete(sha256)
        return True

    def room(self) -> None:
        """See Objects."""

    async def iterate(self) -> AsyncIterator[Stored]:
        """See Objects."""
        with _answers():
            async for page in obstore.list(self._store, chunk_size=1000):
                for found in page:
                    sha256 = found["path"].replace("/", "")
                    if SHA256.fullmatch(sha256):
                        yield Stored(sha256, found["size"], _microseconds(found["last_modified"]))

    async def expire_parts(self, before: int) -> int:
        """See Objects."""
        return await asyncio.to_thread(self._parts.expire, before)


def _microseconds(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)


def _connected(url: str, options: Mapping[str, str]) -> ObjectStore:
    connection: Any = {key: value for key, value in options.items() if key in _CONNECTION}
    connection.setdefault("timeout", _TIMEOUT)
    config: Any = {key: value for key, value in options.items() if key not in _CONNECTION}
    retry: Any = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=20)}
    try:
        return from_url(url, config=config, client_options=connection, retry_config=retry)
    except BaseError as error:
        raise Invalid(reason=f"the object store {url}: {_first_line(error)}") from error


@contextmanager
def _answers() -> Iterator[None]:
    """Turn the errors of the bucket, its absence and its silence, into Unavailable."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise Unavailable(what="The object store", reason=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]


def _key(sha256: str) -> str:
    return f"{checked_sha256(sha256)[:2]}/{sha256[2:]}"


def _check_all(objects: Sequence[tuple[str, str, bytes]]) -> None:
    for sha256, md5, content in objects:
        check_whole(sha256, md5, content)
