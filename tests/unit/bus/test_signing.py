"""NATS keys and tokens, against the keys of the NATS project."""

import base64

import nkeys
import pytest

from anyrig.bus import signing
from anyrig.core.errors import Invalid


def test_our_keys_are_those_of_nats() -> None:
    seed = signing.new_seed()
    theirs = nkeys.from_seed(bytearray(seed.encode()))
    assert seed.startswith("SA")
    assert theirs.public_key.decode() == signing.public_key(seed)


def test_a_token_is_signed_by_its_issuer() -> None:
    seed = signing.new_seed()
    token = signing.signed(seed, {"sub": "someone", "nats": {"type": "user"}})
    text, _, signature = token.rpartition(".")
    theirs = nkeys.from_seed(bytearray(seed.encode()))
    assert theirs.verify(text.encode(), base64.urlsafe_b64decode(signature + "=="))
    assert signing.claims_of(token.encode()) == {"sub": "someone", "nats": {"type": "user"}}


@pytest.mark.parametrize("seed", ["", "SA", "not base 32!", "A" * 58, "S" + "A" * 56 + "1"])
def test_what_is_no_seed_is_invalid(seed: str) -> None:
    with pytest.raises(Invalid, match="seed"):
        signing.public_key(seed)


@pytest.mark.parametrize("token", [b"", b"a", b"a.b.c", b"a.!!.c", b"a.W10.c", b"\xff.\xff.\xff"])
def test_what_is_no_token_is_invalid(token: bytes) -> None:
    with pytest.raises(Invalid, match="not a token"):
        signing.claims_of(token)
