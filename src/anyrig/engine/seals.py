"""Encrypts what is kept in the database and opens things (AES-256-GCM), with a key that is not in it."""

import os
from typing import TYPE_CHECKING

from anyrig.core.errors import Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class SealBroken(Unavailable):
    """The {what} cannot be read: it was encrypted with another secret key than this server has.

    That key is in ``ANYRIG_SECRET_KEY`` or the file ``secret.key``.
    """

    code = "seal_broken"


class Seal:
    """``key``: 32 bytes. What is sealed is bound to a name, and opens under that name only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, name: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher().encrypt(nonce, plain, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises SealBroken."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see below

        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except InvalidTag:
            raise SealBroken(what=name) from None

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - a start does without

        return AESGCM(self._key)
