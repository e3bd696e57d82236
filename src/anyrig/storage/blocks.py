"""Bytes in pieces of a size that is worth a thread's while."""

from collections.abc import AsyncIterator

BLOCK = 1 << 20
"""Bytes handed to a thread at once: a hop between threads costs about as much as hashing 50 KB."""


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Gather chunks into blocks of at least BLOCK; what came before ``chunks`` broke is not lost."""
    held: list[bytes] = []
    length = 0
    try:
        async for chunk in chunks:
            held.append(chunk)
            length += len(chunk)
            if length >= BLOCK:
                yield held
                held, length = [], 0
    except Exception:
        yield held
        raise
    if held:
        yield held
