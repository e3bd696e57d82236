"""Private keys of projects: made, encrypted for the database, and used.

A private key is kept encrypted (AES-256-GCM) with a key that is not in the database, so that a copy of the
database alone opens nothing.
"""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from anyrig.core.errors import BadSecret, KeyUnreadable
from anyrig.engine.seals import Seal, SealBroken

_BITS = 4096
_PADDING = 8
"""Bytes of padding at least (RFC 8017, section 7.2.2)."""


def new_pair(seal: Seal, project: int) -> tuple[str, bytes]:
    """A new key pair: the public key as PEM, and the private key sealed. Takes seconds."""
    private = generate_private_key(65537, _BITS)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return public, seal.close(_name(project), plain)


def opened(seal: Seal, project: int, name: str, sealed: bytes) -> RSAPrivateKey:
    """The private key of the project.

    Raises:
        KeyUnreadable: It was sealed with another key, or for another project.
    """
    try:
        plain = seal.open(_name(project), sealed)
    except SealBroken:
        reason = (
            "it was encrypted with another secret key than this server has (ANYRIG_SECRET_KEY or secret.key)"
        )
        raise KeyUnreadable(project=name, reason=reason) from None
    private = load_der_private_key(plain, None)
    if not isinstance(private, RSAPrivateKey):
        raise KeyUnreadable(project=name, reason="it is no RSA key")
    return private


def _name(project: int) -> str:
    return f"project {project}"


def decrypted(private: RSAPrivateKey, name: str, encrypted: str) -> str:
    """The secret ``name``, given as base64 of what ``openssl pkeyutl -encrypt -pubin`` writes (PKCS#1 v1.5).

    The padding is looked at here, and not by OpenSSL: that makes up a message when it is wrong, against those
    who try many ciphertexts. Whoever can bring one to us can as well run a test that prints what is in it.

    Raises:
        BadSecret: It was encrypted for another key, or is damaged.
    """
    try:
        data = base64.b64decode("".join(encrypted.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret(name=name, reason="it is not base64") from None
    block = _powered(private, data)
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < _PADDING + 2:
        reason = "it was not encrypted with the public key of this project, or is damaged"
        raise BadSecret(name=name, reason=reason)
    try:
        return block[end + 1 :].decode()
    except UnicodeDecodeError:
        raise BadSecret(name=name, reason="it is not text in UTF-8") from None


def _powered(private: RSAPrivateKey, data: bytes) -> bytes:
    """RSADP by the Chinese remainder theorem (RFC 8017, section 5.1.2); zeros for what is no ciphertext."""
    numbers = private.private_numbers()
    size = private.key_size // 8
    cipher = int.from_bytes(data, "big")
    if len(data) != size or cipher >= numbers.public_numbers.n:
        return bytes(size)
    first = pow(cipher, numbers.dmp1, numbers.p)
    second = pow(cipher, numbers.dmq1, numbers.q)
    message = second + numbers.q * (numbers.iqmp * (first - second) % numbers.p)
    return message.to_bytes(size, "big")
