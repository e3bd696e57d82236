"""Renames a file log that has grown: ``FILE`` to ``FILE.1``, that one to ``FILE.2``, and so on."""

import fcntl
import os
from contextlib import suppress

from anyrig.core.extensions.logs import FileLog


def is_full(options: FileLog, folder: int, more: int) -> bool:
    """Whether the file would be larger than it may with so many more bytes. An empty one never is."""
    if not (options.rotating and options.max_bytes and options.backup_count):
        return False
    try:
        size = os.stat(options.filename, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError:
        return False
    return size > 0 and size + more > options.max_bytes


def rotate(options: FileLog, folder: int, more: int) -> None:
    """Rename the files, the oldest first; the one that is one too many is gone.

    Others may be about to do the same, in this process or another: one of them does it, while it holds the
    folder's lock. The others find that it was done.

    Raises:
        BlockingIOError: Another one is at it.
    """
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if is_full(options, folder, more):
        names = [options.filename, *(f"{options.filename}.{n + 1}" for n in range(options.backup_count))]
        for older, newer in reversed(list(zip(names[1:], names[:-1], strict=True))):
            with suppress(FileNotFoundError):
                os.rename(newer, older, src_dir_fd=folder, dst_dir_fd=folder)
