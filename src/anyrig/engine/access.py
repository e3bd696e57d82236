"""Who is asking: tokens, users and agents.

A token is printed once, as ``<id>.<secret>``. The secret has 256 random bits, so a plain SHA-256 keeps it.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from anyrig.core.errors import BadField, NotFound, Unauthenticated
from anyrig.core.ids import checked_name
from anyrig.core.records import Token
from anyrig.core.users import Principal, Role
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import access as sql

_REMEMBERED_SECONDS = 5.0
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    expires: int | None
    until: float


class Access:
    """Checks credentials. Good tokens are remembered for seconds, so a revoked one dies soon everywhere."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[bytes, _Known] = {}
        self._agents: dict[bytes, float] = {}

    async def principal(self, printed: str, now: int) -> Principal:
        """Who holds this token, given as ``<id>.<secret>``.

        Raises:
            Unauthenticated: There is no such token, its secret is another, or it has expired.
        """
        token_id, dot, secret = printed.partition(".")
        if not dot or not secret:
            raise Unauthenticated
        key = _digest(printed)
        known = self._known.get(key)
        if known is None or known.until < time.monotonic():
            known = await self._look_up(token_id, secret)
            self._remember(key, known)
        if known.expires is not None and known.expires <= now:
            raise Unauthenticated
        return known.principal

    async def _look_up(self, token_id: str, secret: str) -> _Known:
        found = await self._db.read(lambda c: sql.token_with_hash(c, token_id))
        if found is None or not hmac.compare_digest(found[1], _digest(secret)):
            raise Unauthenticated
        token = found[0]
        projects = None if token.projects is None else frozenset(token.projects)
        principal = Principal(token.user, role_named(token.role), token.id, projects)
        return _Known(principal, token.expires, time.monotonic() + _REMEMBERED_SECONDS)

    def _remember(self, key: bytes, known: _Known) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = known

    def forget(self) -> None:
        """Look everything up again: a token was revoked."""
        self._known.clear()

    async def agent_named(self, printed: str) -> str:
        """The agent whose credential, ``<name>.<secret>``, this is.

        Raises:
            Unauthenticated: There is no such agent, or its secret is another.
        """
        name, _, secret = printed.partition(".")
        key = _digest(printed)
        if self._agents.get(key, 0.0) < time.monotonic():
            kept = await self._db.read(lambda c: sql.agent_hash(c, name))
            if kept is None or not hmac.compare_digest(kept, _digest(secret)):
                raise Unauthenticated
            self._agents[key] = time.monotonic() + _REMEMBERED_SECONDS
        return name


async def create_token(
    db: Database,
    user: str,
    role: Role,
    now: int,
    projects: tuple[str, ...] | None = None,
    expires: int | None = None,
) -> tuple[Token, str]:
    """A new token of the user, who is created if need be, and its printed form, to be shown once."""
    checked_name("user", user)
    secret = secrets.token_urlsafe(32)
    token = Token(secrets.token_hex(8), user, role.label, projects, now, expires)

    def work(connection: Connection) -> None:
        known = sql.user_role(connection, user)
        if known is None or role_named(known) < role:
            sql.put_user(connection, user, role.label, now)
        sql.add_token(connection, token, _digest(secret))

    await db.write(work)
    return token, f"{token.id}.{secret}"


async def revoke_token(db: Database, access: Access, token_id: str) -> None:
    """Raises NotFound."""
    if not await db.write(lambda c: sql.delete_token(c, token_id)):
        raise NotFound(what="token", name=token_id)
    access.forget()


async def create_agent(db: Database, name: str, owner: str, now: int) -> str:
    """The agent's new secret; an older one of the same name stops working."""
    checked_name("agent", name)
    secret = secrets.token_urlsafe(32)
    await db.write(lambda c: sql.put_agent(c, name, _digest(secret), owner, now))
    return secret


def role_named(name: str) -> Role:
    """Raises BadField."""
    try:
        return Role[name.upper()]
    except KeyError:
        raise BadField(field="role", reason=f"'{name}' is not viewer, operator or admin") from None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
