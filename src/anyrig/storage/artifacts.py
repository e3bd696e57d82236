"""Objects: artifacts and finished logs, named by the SHA-256 of their bytes.

An object is there whole and checked, or it is not there. Writing one twice is no error and changes nothing
but its time, so that a sweep does not take what somebody is just about to name.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a sweep sees it."""

    sha256: str
    size: int
    """Bytes."""
    modified: int
    """When it was last written or offered again; microseconds since the epoch, by the store's clock."""


class Objects(Protocol):
    """Where objects are kept. A name that is not 64 lower-case hex digits raises BadField everywhere."""

    async def size(self, sha256: str) -> int | None:
        """Its length in bytes; None when there is no such object."""

    async def offset(self, sha256: str) -> int | None:
        """How many bytes of an upload are already here, from where it goes on; None when it is complete."""

    def open(self, sha256: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` up to but not including ``stop``, in blocks; both lie within the object.

        To be closed by those who do not read to the end.

        Raises:
            NotFound: The object is not there, or has gone while it was read.
        """

    def path(self, sha256: str) -> Path | None:
        """The file that holds (or would hold) the object; None when objects are not local files."""

    async def put_small(self, objects: Sequence[tuple[str, str, bytes]]) -> None:
        """Store whole objects, each given as (SHA-256, MD5, bytes) with digests in hex; durable on return.

        Raises:
            BadObject: One is not what its digests say; none is stored.
            StoreFull: There is no room.
        """

    async def put_stream(
        self, sha256: str, md5: str, size: int, offset: int, chunks: AsyncIterator[bytes]
    ) -> None:
        """Store an object of ``size`` bytes, of which ``chunks`` brings those from ``offset`` on.

        Durable on return. When ``chunks`` raises, what came stays for a later call; an ``offset`` of 0 starts
        over.

        Raises:
            BadObject: The bytes are not what was announced; nothing of them is kept.
            Invalid: The digests or the numbers are not well formed.
            StoreFull: There is no room; nothing is visible.
            Unavailable: Somebody else is sending the same object at the moment.
            WrongOffset: The upload goes on elsewhere; ``fields["offset"]`` says where.
        """

    async def delete(self, sha256: str) -> None:
        """Remove the object; no error when it is not there."""

    async def delete_old(self, sha256: str, before: int) -> bool:
        """Remove the object unless it was written or offered since ``before`` (microseconds since the epoch).

        False when it is not there, or stays. Whoever was told since then that it is there finds it there.
        """

    def room(self) -> int | None:
        """Bytes that are free where objects are kept; None when nobody can tell. Blocks."""

    def iterate(self) -> AsyncIterator[Stored]:
        """All objects, in no order; one that comes or goes meanwhile may or may not be among them."""

    async def expire_parts(self, before: int) -> int:
        """Forget uploads that got no byte since ``before`` (microseconds since the epoch); says how many."""
