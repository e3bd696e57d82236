"""Our ends of the processes that run tests: a zygote for each environment, and its keepers."""

import asyncio
import fcntl
import itertools
import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyrig.executors.python.environment import variables
from anyrig.executors.python.inside import messages

_BOOT = Path(__file__).parent / "inside" / "boot.py"
_OLD = 3600.0
"""Seconds after which a folder without an owner counts as left behind, not as about to be owned."""
_LOG = "log"
_LAST_LINES = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a keeper is for: one test file of one checkout."""

    pack: Path
    sha: str
    """Or anything else that changes when the files do."""
    file: str
    arguments: tuple[str, ...]
    """For pytest."""


class Zygote:
    """The process that keepers are forked from. Takes a second or two to start, but may be asked at once.

    ``environment``: the folder of the environment.
    """

    def __init__(self, environment: Path) -> None:
        self.busy = 0
        """How many of its keepers are at work."""
        self._folder, self._lock = _runtime(environment)
        self._numbers = itertools.count()
        self._link, theirs = messages.pair()
        with theirs:
            self.pid = _spawn(environment, theirs, self._folder)

    def keeper(self, wanted: Wanted) -> "Keeper | None":
        """Have one forked; None when the zygote is gone."""
        ours, theirs = messages.pair()
        ours.setblocking(False)
        order = {
            "pack": str(wanted.pack),
            "file": wanted.file,
            "arguments": wanted.arguments,
            "folder": str(self._folder / str(next(self._numbers))),
        }
        with theirs:
            if messages.send(self._link, order, (theirs.fileno(),)):
                return Keeper(self, wanted, ours)
        ours.close()
        return None

    def complaints(self) -> str:
        """The last that it or one of its keepers wrote before it ended."""
        try:
            lines = (self._folder / _LOG).read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:  # it has ended in good order
            return ""
        return "\n".join(lines[-_LAST_LINES:]).strip()

    def close(self) -> None:
        """It ends by itself then, and its keepers."""
        self._link.close()
        os.close(self._lock)


class Keeper:
    """The process that looks after the tests of one file, one at a time."""

    def __init__(self, zygote: Zygote, wanted: Wanted, link: socket.socket) -> None:
        self.zygote = zygote
        self.wanted = wanted
        self.configuration: str | None = None
        """Set when the file read its configuration while it was imported: then it is good for no other."""
        self._link = link

    def send(self, message: dict[str, Any]) -> bool:
        """False when it is gone. Messages are small and few: they never wait."""
        return messages.send(self._link, message)

    async def receive(self) -> bytes:
        """The next packet; nothing when it is gone."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._link, messages.SIZE)
        except ConnectionResetError:
            return b""

    def is_there(self) -> bool:
        """Between two tests nothing but the end can come from a keeper."""
        try:
            self._link.recv(1)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            pass
        return False

    def hang_up(self) -> None:
        """It kills what it looks after, and ends; ``receive`` tells when it has."""
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._link.close()


def _spawn(environment: Path, link: socket.socket, folder: Path) -> int:
    python = str(environment / "bin" / "python")
    return os.posix_spawn(
        python,
        [python, str(_BOOT), str(folder)],
        variables(environment, os.environ),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, link.fileno(), 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder / _LOG), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # an interrupt from the terminal is for us
    )


def _runtime(environment: Path) -> tuple[Path, int]:
    """A new folder for a zygote, and the lock that shows that it is in use.

    Folders without a living owner are removed. Process numbers would not show that: agents in different
    containers may share the cache.
    """
    above = environment / "run"
    above.mkdir(exist_ok=True)
    for left in above.iterdir():
        if left.stat().st_mtime < time.time() - _OLD and (lock := _locked(left / _LOG)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    folder = Path(tempfile.mkdtemp(dir=above, prefix=""))
    (folder / _LOG).touch()
    lock = _locked(folder / _LOG)
    assert lock is not None  # noqa: S101 - the folder is new, and ours alone
    return folder, lock


def _locked(file: Path) -> int | None:
    """A lock that lasts until it is closed; None when somebody else has it, or there is no file."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
