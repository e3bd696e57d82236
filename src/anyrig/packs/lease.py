"""Who uses which checkout: a lock on a file beside it, which holds between processes and ends with them."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

SUFFIX = ".lease"
TURN = ".turn"


def take(path: Path) -> int:
    """Share the lease at ``path``, and mark it as used now. Give the file descriptor back with ``os.close``.

    Blocks while somebody removes the checkout, which is as long as a rename.
    """
    while True:
        held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
        except BaseException:
            os.close(held)
            raise
        if _is_at(path, held):
            os.utime(held)
            return held
        os.close(held)  # it was removed while we waited


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether nobody uses the lease at ``path``; if so, nobody can take it until the end of the block."""
    held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield _locked(held) and _is_at(path, held)
    finally:
        os.close(held)


@asynccontextmanager
async def turn(path: Path) -> AsyncIterator[None]:
    """Waits until no other process is in such a block for ``path``. Within one process, hold a lock first."""
    held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        if not _locked(held):
            await asyncio.to_thread(_wait, os.dup(held))
        yield
    finally:
        os.close(held)


def _wait(held: int) -> None:
    """Has a descriptor of its own: whoever started it may have closed his, and then nobody holds the lock."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_at(path: Path, held: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(held))
    return False
