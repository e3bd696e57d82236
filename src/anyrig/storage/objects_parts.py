"""Uploads that are not whole yet: one file each, named by what it is going to be.

All that blocks runs in threads. A part is worked on by one upload at a time, which holds a lock on the file,
so that replicas of the server may share the folder.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from anyrig.core.errors import BadObject, StoreFull, Unavailable, WrongOffset
from anyrig.storage.blocks import BLOCK, blocks
from anyrig.storage.digests import Digests
from anyrig.storage.disk import room_needed, write_all

_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class Announced:
    """What an upload says that it will be; digests in hex, size in bytes."""

    sha256: str
    md5: str
    size: int


class Parts:
    """The folder of unfinished uploads; it must exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def offset(self, sha256: str) -> int:
        """How many bytes have come. They may still be found wrong when the rest has come."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    @asynccontextmanager
    async def filled(
        self, announced: Announced, offset: int, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[Path]:
        """Receive the rest of an upload; gives the whole, checked and durable file, to be moved or removed.

        Nobody else can work on the file before the context ends. Raises what ``Objects.put_stream`` does.
        """
        part = _Part(self._path(announced.sha256), announced)
        try:
            await asyncio.to_thread(part.start, offset)
            await _pour(part, chunks)
            await asyncio.to_thread(part.seal)
            yield part.path
        except (BadObject, StoreFull):
            # Wrong bytes are of no use, and on a full disk others need the room.
            await asyncio.to_thread(part.remove)
            raise
        finally:
            part.close()

    def expire(self, before: int) -> int:
        """Remove what was not written to since ``before`` (microseconds since the epoch); says how many."""
        return sum(_removed(Path(entry), before) for entry in os.scandir(self._folder))

    def _path(self, sha256: str) -> Path:
        return self._folder / (sha256 + _SUFFIX)


def _removed(path: Path, before: int) -> bool:
    try:
        if path.stat().st_mtime_ns // 1000 >= before:
            return False
        path.unlink()
    except FileNotFoundError:
        return False  # it became whole, or another replica removed it
    return True


class _Part:
    """One upload under way. Its methods block; the lock lets ``close`` wait for a step that still runs."""

    def __init__(self, path: Path, announced: Announced) -> None:
        self.path = path
        self.digests = Digests()
        self._announced = announced
        self._length = 0
        self._fd = -1
        self._closed = False
        self._step = Lock()

    def start(self, offset: int) -> None:
        with self._step, room_needed():
            self._check_open()
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            self._take()
            there = os.fstat(self._fd).st_size
            if offset not in (0, there):
                raise WrongOffset(sha256=self._announced.sha256, offset=there)
            os.ftruncate(self._fd, offset)
            self._check_room(offset)
        while self._digest_a_block():
            pass

    def _take(self) -> None:
        """Own the file that bears the name now: whoever had it before may have finished or removed it."""
        busy = Unavailable(what=f"The upload of {self._announced.sha256}", reason="another one is under way")
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._fd), self.path.stat()):
                raise busy
        except (BlockingIOError, FileNotFoundError) as error:
            raise busy from error

    def _check_room(self, offset: int) -> None:
        """Refuse at once what cannot fit, before it is sent and takes the room of others."""
        disk = os.statvfs(self.path)
        if self._announced.size - offset > disk.f_bavail * disk.f_frsize:
            raise StoreFull(reason=f"{self._announced.size - offset} more bytes do not fit")

    def _digest_a_block(self) -> bool:
        """Take in what an earlier upload left; False at its end, where writing goes on."""
        with self._step:
            self._check_open()
            block = os.read(self._fd, BLOCK)
        self._length += len(block)
        self.digests.sha256.update(block)
        self.digests.md5.update(block)
        return bool(block)

    def write(self, block: list[bytes]) -> None:
        """Write and take the SHA-256; the MD5 is taken by ``digest_md5`` at the same time."""
        with self._step, room_needed():
            self._check_open()
            self._length += sum(len(chunk) for chunk in block)
            if self._length > self._announced.size:
                raise self._bad(f"more than {self._announced.size} bytes came")
            for chunk in block:
                self.digests.sha256.update(chunk)
                write_all(self._fd, chunk)

    def digest_md5(self, block: list[bytes]) -> None:
        for chunk in block:
            self.digests.md5.update(chunk)

    def seal(self) -> None:
        with self._step, room_needed():
            self._check_open()
            if self._length != self._announced.size:
                raise self._bad(f"{self._length} bytes came instead of {self._announced.size}")
            self.digests.compare(self._announced.sha256, self._announced.md5)
            os.fsync(self._fd)

    def remove(self) -> None:
        if self._fd >= 0:
            self.path.unlink(missing_ok=True)
        self.close()  # here, in a thread: the disk frees the blocks of a large file now

    def close(self) -> None:
        with self._step:
            self._closed = True
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(what=f"The upload of {self._announced.sha256}", reason="it was given up")

    def _bad(self, reason: str) -> BadObject:
        return BadObject(sha256=self._announced.sha256, reason=reason)


async def _pour(part: _Part, chunks: AsyncIterator[bytes]) -> None:
    """Write while the next block is still coming; both digests and the disk work at the same time."""
    loop = asyncio.get_running_loop()
    busy: asyncio.Future[tuple[None, None]] | None = None
    try:
        async for block in blocks(chunks):
            if busy:
                await busy
            busy = asyncio.gather(
                loop.run_in_executor(None, part.write, block),
                loop.run_in_executor(None, part.digest_md5, block),
            )
    finally:
        if busy:
            await busy
