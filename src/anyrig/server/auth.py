"""Who makes a request: one token serves every scheme.

The printed form ``<id>.<secret>`` is taken whole by ``token`` and ``Bearer``, split at the dot by Basic as
user and password, and as the password of any Basic user.
"""

import base64

from starlette.requests import HTTPConnection

from anyrig.core.errors import Forbidden, Unauthenticated
from anyrig.core.users import Principal, Role
from anyrig.engine.access import Access


def printed_token(header: str | None) -> str:
    """The token in an Authorization header, in its printed form.

    Raises:
        Unauthenticated: There is none, or the header is of no scheme we know.
    """
    scheme, _, value = (header or "").strip().partition(" ")
    match scheme.lower():
        case "token" | "bearer":
            return value.strip()
        case "basic":
            return _from_basic(value.strip())
        case _:
            raise Unauthenticated


def _from_basic(value: str) -> str:
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise Unauthenticated from None
    if not colon or "\0" in user + password:
        raise Unauthenticated
    return password if "." in password else f"{user}.{password}"


async def principal(request: HTTPConnection, access: Access, now: int) -> Principal:
    """Raises Unauthenticated."""
    return await access.principal(printed_token(request.headers.get("authorization")), now)


async def agent(request: HTTPConnection, access: Access) -> str:
    """The name of the agent that makes the request: its credential is ``<name>.<secret>``.

    Raises:
        Unauthenticated: It is none.
    """
    return await access.agent_named(printed_token(request.headers.get("authorization")))


async def git_user(request: HTTPConnection, access: Access, now: int, project: str, *, write: bool) -> str:
    """Who reads or writes a test pack: an agent may read them all.

    Raises:
        Unauthenticated, Forbidden.
    """
    printed = printed_token(request.headers.get("authorization"))
    try:
        who = await access.principal(printed, now)
    except Unauthenticated:
        name = await access.agent_named(printed)
        if write:
            raise Forbidden(user=name, role="agent", action="push") from None
        return name
    who.require(Role.OPERATOR if write else Role.VIEWER, "push" if write else "read", project)
    return who.user
