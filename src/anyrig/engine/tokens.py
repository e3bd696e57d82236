"""Access tokens, as administrators manage them."""

from anyrig.core.errors import BadField, Forbidden
from anyrig.core.records import Token
from anyrig.core.users import Principal, Role
from anyrig.engine import access
from anyrig.engine.lab import Lab
from anyrig.storage.sql import access as sql


async def list_tokens(lab: Lab, who: Principal) -> list[Token]:
    """All tokens, the oldest first, without their secrets. Raises Forbidden."""
    who.require(Role.ADMIN, "list tokens")
    return await lab.db.read(sql.list_tokens)


async def create_token(
    lab: Lab,
    who: Principal,
    user: str,
    role: str,
    projects: tuple[str, ...] | None = None,
    expires: int | None = None,
) -> tuple[Token, str]:
    """A new token and its printed form, which is shown this once. ``expires`` in microseconds, UTC.

    Raises:
        Forbidden: The asker is no administrator, or gives away more projects than their own.
        BadField: The user's name or the role is none, or it expires in the past.
    """
    who.require(Role.ADMIN, "create tokens")
    if who.projects is not None and not (projects is not None and who.projects >= set(projects)):
        raise Forbidden(user=who.user, role=who.role.label, action="create a token for other projects")
    now = lab.now()
    if expires is not None and expires <= now:
        raise BadField(field="expires", reason="it is in the past")
    return await access.create_token(lab.db, user, access.role_named(role), now, projects, expires)


async def revoke_token(lab: Lab, who: Principal, token_id: str) -> None:
    """The token stops working here at once, at other replicas within seconds. Raises Forbidden, NotFound."""
    who.require(Role.ADMIN, "revoke tokens")
    await access.revoke_token(lab.db, lab.access, token_id)
