"""The key with which private keys are encrypted in the database: kept apart from it."""

import base64
import binascii
import os
import secrets
from contextlib import suppress
from pathlib import Path

from anyrig.bootstrap.private import write_private
from anyrig.core.errors import Invalid

KEY_FILE = "secret.key"
_SIZE = 32


def secret_key(data: Path, given: str | None) -> bytes:
    """32 bytes: those of the setting, or else of a file of the data directory, made at the first start.

    Raises:
        Invalid: It is not the base64 of 32 bytes.
    """
    if given is not None:
        return _decoded(given, "ANYRIG_SECRET_KEY")
    file = data / KEY_FILE
    if not file.exists():
        _make(file)
    return _decoded(file.read_text(encoding="ascii", errors="replace"), str(file))


def _make(file: Path) -> None:
    """Whole, and once: whoever else makes one at the same time takes this one."""
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    write_private(new, base64.b64encode(secrets.token_bytes(_SIZE)).decode() + "\n")
    with suppress(FileExistsError):
        os.link(new, file)
    new.unlink()


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _SIZE:
        raise Invalid(
            reason=f"{where} is not {_SIZE} bytes in base64, as 'openssl rand -base64 {_SIZE}' writes them"
        )
    return key
