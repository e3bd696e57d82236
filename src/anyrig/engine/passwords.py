"""Users with passwords, as other products have them: hashed by Argon2, checked no more often than need be."""

import asyncio
import hashlib
import hmac
import secrets
import time

from anyrig.core.errors import BadField, Unauthenticated
from anyrig.core.ids import checked_name
from anyrig.core.users import Principal, Role
from anyrig.engine.access import role_named
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import access as access_sql
from anyrig.storage.sql import passwords as sql

_REMEMBERED_SECONDS = 60.0
_REMEMBERED = 1000
_AT_ONCE = 2
"""Each check takes 64 MiB and a core for a third of a second."""
LONGEST = 1000


class Passwords:
    """Checks passwords; a pair that was right is remembered for a minute, by a keyed digest of it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._checking = asyncio.Semaphore(_AT_ONCE)

    def known(self, user: str, password: str) -> Principal | None:
        """Who that is, if it was asked for lately."""
        found = self._known.get(self._digest(user, password))
        return found[0] if found and found[1] > time.monotonic() else None

    async def principal(self, user: str, password: str) -> Principal:
        """Who that is. Takes a third of a second, whoever it is. Raises Unauthenticated."""
        if len(password) > LONGEST or "\0" in user:  # nobody's, and not every database can be asked for it
            raise Unauthenticated
        kept = await self._db.read(lambda c: sql.of_user(c, user))
        async with self._checking:
            right = await asyncio.to_thread(_is_right, kept[0] if kept else None, password)
        if kept is None or not right:
            raise Unauthenticated
        who = Principal(user, role_named(kept[1]), f"password of {user}")
        self._remember(self._digest(user, password), who)
        return who

    def _remember(self, key: bytes, who: Principal) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = who, time.monotonic() + _REMEMBERED_SECONDS

    def _digest(self, user: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{user}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def _is_right(kept: str | None, password: str) -> bool:
    """Without a kept hash the same work is done in vain: the time does not tell who is known."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - a start without passwords does without it
    from argon2.exceptions import VerificationError  # noqa: PLC0415

    hasher = PasswordHasher()
    if kept is None:
        hasher.hash(password)
        return False
    try:
        return hasher.verify(kept, password)
    except VerificationError:
        return False


async def set_password(db: Database, user: str, password: str, role: Role, now: int) -> None:
    """The user, who is created if need be, can use this password from now on.

    Raises:
        BadField: The name is not allowed, or the password is empty or too long.
    """
    checked_name("user", user)
    if not 0 < len(password) <= LONGEST:
        raise BadField(field="password", reason=f"it is not 1 to {LONGEST} characters long")
    hashed = await asyncio.to_thread(_hashed, password)

    def work(connection: Connection) -> None:
        if access_sql.user_role(connection, user) is None:
            access_sql.put_user(connection, user, role.label, now)
        sql.put(connection, user, hashed, role.label)

    await db.write(work)


def _hashed(password: str) -> str:
    from argon2 import PasswordHasher  # noqa: PLC0415 - as above

    return PasswordHasher().hash(password)
