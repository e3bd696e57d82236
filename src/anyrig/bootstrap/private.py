"""Files that only we can read, among them the one that says who an agent is."""

from pathlib import Path

import msgspec

from anyrig.agent.identity import Identity

IDENTITY_FILE = "identity.json"


def write_private(path: Path, text: str) -> None:
    """A file of mode 0600, there as a whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.rename(path)


def kept_identity(folder: Path) -> Identity | None:
    """That of the agent whose folder it is; None for a new one, whose folder is made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / IDENTITY_FILE
    return msgspec.json.decode(file.read_bytes(), type=Identity) if file.exists() else None


def keep_identity(folder: Path, who: Identity) -> None:
    write_private(folder / IDENTITY_FILE, msgspec.json.encode(who).decode())
