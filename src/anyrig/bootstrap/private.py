"""Files that only we can read."""

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """A file of mode 0600, there as a whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.rename(path)
