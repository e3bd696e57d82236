"""NATS keys and JSON web tokens: ed25519 keys in base 32, tokens with the algorithm ``ed25519-nkey``.

The format is that of https://docs.nats.io/using-nats/developer/connecting/nkey: a prefix, the key, and a
CRC-16 (XMODEM) in little endian, in base 32 without padding. Only keys of accounts (``SA…``, ``A…``) are
needed here.
"""

import binascii
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anyrig.core.errors import Invalid

_SEED_OF_ACCOUNT = bytes([18 << 3, 0])
_ACCOUNT = bytes([0])
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


def new_seed() -> str:
    """A fresh private key of an account, ``SA…``."""
    return _encoded(_SEED_OF_ACCOUNT + token_bytes(32))


def public_key(seed: str) -> str:
    """The public key ``A…`` of a seed. Raises Invalid when the seed is none."""
    return _encoded(_ACCOUNT + _private(seed).public_key().public_bytes_raw())


def signed(seed: str, claims: dict[str, Any]) -> str:
    """A token with these claims. Raises Invalid when the seed is none."""
    text = f"{_part(_HEADER)}.{_part(claims)}"
    return f"{text}.{_base64(_private(seed).sign(text.encode()))}"


def claims_of(token: bytes) -> dict[str, Any]:
    """What a token claims; its signature is not looked at. Raises Invalid when it is no token."""
    try:
        part = token.split(b".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(part + b"=" * (-len(part) % 4)), type=dict[str, Any])
    except (IndexError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(reason=f"not a token: {error}") from error
    return claims


def _private(seed: str) -> Ed25519PrivateKey:
    try:
        raw = b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error as error:
        raise Invalid(reason="the issuer's seed is not base 32") from error
    if raw[:2] != _SEED_OF_ACCOUNT or _encoded(raw[:34]) != seed:
        raise Invalid(reason="the issuer's seed is not that of a NATS account (SA…)")
    return Ed25519PrivateKey.from_private_bytes(raw[2:34])


def _encoded(raw: bytes) -> str:
    return b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).rstrip(b"=").decode()


def _part(value: dict[str, Any]) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
