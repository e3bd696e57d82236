"""A task's folder on disk: what was accepted, what happened, its log and the files still to be uploaded.

A result is on disk before anybody hears of it. The folder is removed when the server has everything. After a
power cut that took the folder, the server hears from the agent itself that the task is not known any more.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import msgspec

from anyrig.agent.session import Delivered, Ended, Entry, Finished, Line, Opened, Started
from anyrig.core.messages import Noted

_KINDS: dict[str, type[Line]] = {
    "started": Started,
    "finished": Finished,
    "ended": Ended,
    "noted": Noted,
    "delivered": Delivered,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Journal:
    """The folder of one task; ``create`` for a new one, ``load`` for one that was left behind."""

    def __init__(self, folder: Path, opened: Opened) -> None:
        self.folder = folder
        self.opened = opened
        self.log_path = folder / "log"
        self._file = (folder / "entries").open("ab")
        self._log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.log_size = os.fstat(self._log).st_size

    @classmethod
    def create(cls, root: Path, opened: Opened) -> Self:
        """A new folder; what an older attempt of the same task left in this place is gone."""
        folder = root / f"{opened.spec.task}-{opened.attempt}"
        try:
            folder.mkdir()
        except FileExistsError:
            shutil.rmtree(folder)
            folder.mkdir()
        (folder / "files").mkdir()
        (folder / "opened").write_bytes(msgspec.json.encode(_without_secrets(opened)))
        return cls(folder, opened)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """None when the folder was left before it was complete: then nothing was begun."""
        try:
            opened = msgspec.json.decode((folder / "opened").read_bytes(), type=Opened)
        except (OSError, msgspec.MsgspecError):
            return None
        return cls(folder, opened)

    def lines(self) -> list[Line]:
        """All lines; a last one that was torn by a crash was never spoken of and is left out."""
        return list(_lines((self.folder / "entries").read_bytes()))

    def write(self, *lines: Line) -> None:
        """Append lines and have them on disk."""
        self.note(*lines)
        self.sync()

    def sync(self) -> None:
        """Have on disk what was noted; of a task that has ended meanwhile there is nothing to be had."""
        if not self._file.closed:
            os.fsync(self._file.fileno())

    def note(self, *lines: Line) -> None:
        """Append lines that a power cut may take: what is said twice is counted once."""
        for line in lines:
            self._file.write(msgspec.json.encode([_NAMES[type(line)], line]) + b"\n")
        self._file.flush()

    def append_log(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._log, view) :]
        self.log_size += len(data)

    def read_log(self, offset: int, size: int) -> bytes:
        with self.log_path.open("rb") as file:
            return os.pread(file.fileno(), size, offset)

    def adopt(self, seq: int, files: dict[str, Path]) -> tuple[tuple[str, str], ...]:
        """Take a test's files over, as hard links where possible; a file that has vanished is left out."""
        adopted = []
        for number, (name, path) in enumerate(sorted(files.items())):
            place = f"files/{seq}-{number}"
            if _link(path, self.folder / place):
                adopted.append((name, place))
        return tuple(adopted)

    def release(self, entry: Entry) -> None:
        """The entry's files are uploaded."""
        if isinstance(entry, Finished):
            for _, place in entry.files:
                (self.folder / place).unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()
        os.close(self._log)

    def end(self) -> None:
        """The server has everything. What is left, a folder without ``opened``, is none: to be removed."""
        self.close()
        (self.folder / "opened").unlink(missing_ok=True)


def _without_secrets(opened: Opened) -> Opened:
    """A task that is found again here never runs again: nobody needs them then."""
    return replace(opened, spec=replace(opened.spec, secrets={}))


def _lines(data: bytes) -> Iterator[Line]:
    for raw in data.split(b"\n")[:-1]:
        name, fields = msgspec.json.decode(raw, type=tuple[str, msgspec.Raw])
        yield msgspec.json.decode(fields, type=_KINDS[name])


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        shutil.copyfile(source, target)
    return True
