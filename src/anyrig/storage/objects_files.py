"""Objects as plain files: ``ab/cdef…`` under one folder, by the SHA-256 of their bytes.

What survives a power cut: a file is written and synced in ``incoming/`` before it gets its name, so a name
never stands for half an object. A small object is first durable there as ``<sha256>.<n>.whole``. To sync a
new file is to sync its name too (ext4, XFS and Btrfs all do so), hence no folder is synced, which would cost
as much again; should the power cut undo the renames, opening the store does them again. An object that is
being removed is ``<sha256>.<n>.taken`` there for a moment; opening the store gives it its name back, too.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import ExitStack, closing
from io import FileIO
from pathlib import Path

from anyrig.core.errors import NotFound
from anyrig.storage.artifacts import Stored
from anyrig.storage.blocks import BLOCK
from anyrig.storage.digests import SHA256, check_whole, checked_md5, checked_sha256
from anyrig.storage.disk import room_needed, sync_folder, write_all
from anyrig.storage.objects_parts import Announced, Parts

_WHOLE = ".whole"
_TAKEN = ".taken"
"""Was about to be removed."""


class FileObjects:
    """The store that needs nothing but a folder. Replicas of the server on one machine may share it."""

    def __init__(self, root: Path) -> None:
        """Open the store, make its folders, and name what a power cut left without a name."""
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._parts = Parts(self._incoming)
        for path in self._incoming.glob(f"*{_TAKEN}"):
            self._name(path, _named(path))
        for path in self._incoming.glob(f"*{_WHOLE}"):
            self._recover(path)

    def path(self, sha256: str) -> Path:
        """Where the object is, or would be."""
        return self._root / checked_sha256(sha256)[:2] / sha256[2:]

    async def size(self, sha256: str) -> int | None:
        """See Objects."""
        return await asyncio.to_thread(_size, self.path(sha256))

    async def offset(self, sha256: str) -> int | None:
        """See Objects."""
        return await asyncio.to_thread(self._offset, sha256)

    async def open(self, sha256: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """See Objects. An object that is deleted meanwhile is still read to its end."""
        with closing(_Reader(self.path(sha256))) as reader:
            for at in range(start, stop, BLOCK):
                yield await asyncio.to_thread(reader.read, at, min(BLOCK, stop - at))

    async def put_small(self, objects: Sequence[tuple[str, str, bytes]]) -> None:
        """See Objects."""
        await asyncio.to_thread(self._put_small, objects)

    async def put_stream(
        self, sha256: str, md5: str, size: int, offset: int, chunks: AsyncIterator[bytes]
    ) -> None:
        """See Objects."""
        announced = Announced(checked_sha256(sha256), checked_md5(md5), size)
        if await self.size(sha256) is not None:
            return
        async with self._parts.filled(announced, offset, chunks) as path:
            await asyncio.to_thread(self._name_durably, path, sha256)

    async def delete(self, sha256: str) -> None:
        """See Objects."""
        await asyncio.to_thread(self.path(sha256).unlink, missing_ok=True)

    async def delete_old(self, sha256: str, before: int) -> bool:
        """See Objects."""
        return await asyncio.to_thread(self._delete_old, sha256, before)

    def _delete_old(self, sha256: str, before: int) -> bool:
        """Take its name away: from then on nobody is told that it is there, and its time stands still."""
        taken = self._incoming / f"{sha256}.{secrets.token_hex(4)}{_TAKEN}"
        path = self.path(sha256)
        try:
            if not _is_older(path, before):
                return False
            path.rename(taken)
        except FileNotFoundError:
            return False
        if _is_older(taken, before):
            taken.unlink(missing_ok=True)
            return True
        self._name(taken, sha256)  # somebody has offered it between the two looks
        return False

    def room(self) -> int:
        """See Objects."""
        disk = os.statvfs(self._root)
        return disk.f_bavail * disk.f_frsize

    async def iterate(self) -> AsyncIterator[Stored]:
        """See Objects."""
        for folder in await asyncio.to_thread(lambda: sorted(self._root.glob("[0-9a-f][0-9a-f]"))):
            for stored in await asyncio.to_thread(_listed, folder):
                yield stored

    async def expire_parts(self, before: int) -> int:
        """See Objects."""
        return await asyncio.to_thread(self._parts.expire, before)

    def _offset(self, sha256: str) -> int | None:
        return None if _touched(self.path(sha256)) else self._parts.offset(sha256)

    def _put_small(self, objects: Sequence[tuple[str, str, bytes]]) -> None:
        for sha256, md5, content in objects:
            check_whole(sha256, md5, content)
        missing = {sha256: content for sha256, _, content in objects if not _touched(self.path(sha256))}
        if missing:
            with room_needed():
                for path, sha256 in zip(self._write_durably(missing), missing, strict=True):
                    self._name(path, sha256)

    def _write_durably(self, contents: dict[str, bytes]) -> list[Path]:
        paths = [self._incoming / f"{sha256}.{secrets.token_hex(4)}{_WHOLE}" for sha256 in contents]
        try:
            _write_and_sync(dict(zip(paths, contents.values(), strict=True)))
        except BaseException:
            for path in paths:
                path.unlink(missing_ok=True)
            raise
        return paths

    def _name(self, path: Path, sha256: str) -> None:
        final = self.path(sha256)
        try:
            path.rename(final)
        except FileNotFoundError:
            if final.exists():
                return  # a replica that was just started has found it and named it
            final.parent.mkdir(exist_ok=True)
            path.rename(final)

    def _name_durably(self, path: Path, sha256: str) -> None:
        with room_needed():
            self._name(path, sha256)
            sync_folder(self.path(sha256).parent)
            sync_folder(self._root)

    def _recover(self, path: Path) -> None:
        """Name a small object if it is whole; else ``expire_parts`` will take it: a replica may be at it."""
        sha256 = _named(path)
        try:
            whole = hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        except FileNotFoundError:
            return
        if whole:
            self._name(path, sha256)


def _named(path: Path) -> str:
    """Which object the file in ``incoming`` is."""
    return path.name.split(".", maxsplit=1)[0]


def _is_older(path: Path, before: int) -> bool:
    return path.stat().st_mtime_ns // 1000 < before


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _touched(path: Path) -> bool:
    """Set the time of an object, so that a sweep leaves it alone; False when it is not there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


class _Reader:
    """Opens the file with the first block, in the same hop to a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None

    def read(self, start: int, count: int) -> bytes:
        try:
            self._file = self._file or self._path.open("rb", buffering=0)
            content = os.pread(self._file.fileno(), count, start)
        except FileNotFoundError:
            content = b""
        if len(content) != count:
            raise NotFound(what="object", name=self._path.parent.name + self._path.name)
        return content

    def close(self) -> None:
        if self._file:
            self._file.close()


def _write_and_sync(contents: dict[Path, bytes]) -> None:
    with ExitStack() as stack:
        fds = []
        for path, content in contents.items():
            fds.append(stack.enter_context(path.open("xb", buffering=0)).fileno())
            write_all(fds[-1], content)
            # Starts the writing without waiting for it, so that the disk works on all of them at once.
            os.posix_fadvise(fds[-1], 0, 0, os.POSIX_FADV_DONTNEED)
        for fd in fds:
            os.fsync(fd)


def _listed(folder: Path) -> list[Stored]:
    return [
        Stored(folder.name + entry.name, status.st_size, status.st_mtime_ns // 1000)
        for entry in os.scandir(folder)
        if SHA256.fullmatch(folder.name + entry.name) and (status := entry.stat())
    ]
