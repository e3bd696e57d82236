"""Tells whether a hook comes from whom it says: by a signature, by a token, or by an address."""

import hashlib
import hmac
import re

from anyrig.server.dialects.sloth.hooks.base import FORBIDDEN, Hook, Refused, shown
from anyrig.server.dialects.sloth.peers import Networks, within

HUB = "x-hub-signature"
HUB_256 = "x-hub-signature-256"
_ID = re.compile("[!-~]{1,100}")


def check_peer(hook: Hook, trusted: Networks) -> None:
    """Raises Refused: it was sent from elsewhere."""
    if not within(hook.peer, trusted):
        raise Refused(FORBIDDEN, f"Unverified remote IP: {shown(hook.peer)}.")


def check_signature(secret: str, hook: Hook, *headers: str) -> None:
    """The first of the headers that is there has the HMAC of the body: ``sha256=HEX``, or HEX alone.

    Raises:
        Refused: It has not, or there is none.
    """
    header = next((name for name in headers if hook.headers.get(name)), HUB)
    given = hook.headers.get(header)
    if not given:
        raise Refused(FORBIDDEN, f"The payload is not signed: there is no {_named(headers[0])}.")
    if given.startswith("sha1="):
        raise Refused(FORBIDDEN, "The payload is signed with SHA-1 alone; SHA-256 is needed.")
    if not is_signature(secret, hook.body, given):
        raise Refused(FORBIDDEN, f"Wrong signature: {_named(header)} is not that of the payload.")


def check_token(secret: str, hook: Hook, header: str) -> None:
    """The header has the secret itself. Raises Refused: it has not."""
    given = hook.headers.get(header)
    if not given:
        raise Refused(FORBIDDEN, f"There is no {_named(header)}.")
    if not is_token(secret, given):
        raise Refused(FORBIDDEN, f"Wrong token in {_named(header)}.")


def is_signature(secret: str, body: bytes, given: str) -> bool:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), _bytes(given.removeprefix("sha256=").lower()))


def is_token(secret: str, given: str) -> bool:
    """In constant time. Headers are read as Latin-1, whatever their sender meant (RFC 9110, 5.5)."""
    return hmac.compare_digest(_bytes(secret.encode().decode("latin-1")), _bytes(given))


def ids(provider: str, hook: Hook, *headers: str, signed: bool = False) -> tuple[str, ...]:
    """The delivery's id by its host, which is in the first of the headers that is there, and by its body.

    ``signed``: the body is. Its signature does not cover the headers, so whoever has seen a delivery could
    send it again under another id.
    """
    found = next((hook.headers[header] for header in headers if hook.headers.get(header)), None)
    by_host = () if found is None else (f"{provider}:{_short(found)}",)
    return (*by_host, body_id(hook)) if signed else by_host


def body_id(hook: Hook) -> str:
    """Names a body. Two pushes have two: it has the commits before and after, and most hosts add the time."""
    return f"body:{hashlib.sha256(hook.body).hexdigest()}"


def _short(given: str) -> str:
    return given if _ID.fullmatch(given) else hashlib.sha256(_bytes(given)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _named(header: str) -> str:
    """``x-hub-signature-256`` as people write it."""
    return header.title()
