"""Who asks: by Basic, with a password of their own or a token as the password."""

import base64

from starlette.requests import Request

from anyrig.core.errors import Unauthenticated
from anyrig.core.users import Principal
from anyrig.server import auth
from anyrig.server.limits import Traffic
from anyrig.server.web import lab_of


async def who_asks(request: Request) -> Principal:
    """Raises Unauthenticated, TooManyRequests."""
    lab = lab_of(request)
    try:
        return await auth.principal(request, lab.access, lab.now())
    except Unauthenticated:
        user, password = _pair(request.headers.get("authorization"))
    known = lab.passwords.known(user, password)
    if known is not None:
        return known
    limits = request.app.state.limits
    for caller in (f"{address(request)} {user}", address(request)):
        limits.admit(f"login {caller}", Traffic.LOGIN)
    return await lab.passwords.principal(user, password)


def address(request: Request) -> str:
    """Where the request comes from, as far as that can be believed: see the setting ``trusted_proxies``."""
    return request.client.host if request.client else ""


def _pair(header: str | None) -> tuple[str, str]:
    scheme, _, value = (header or "").strip().partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:
        raise Unauthenticated from None
    user, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon or not user or not password:
        raise Unauthenticated
    return user, password
