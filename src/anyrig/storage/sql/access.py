"""Users, tokens, agents."""

from sqlalchemy import Connection, delete, insert, select, update

from anyrig.core.records import Token
from anyrig.storage.schema import AnyRow, agents, facts, tokens, users


def fact(connection: Connection, name: str) -> str | None:
    """A lasting fact about this installation."""
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def set_fact(connection: Connection, name: str, value: str) -> None:
    connection.execute(insert(facts).values(name=name, value=value))


def user_role(connection: Connection, name: str) -> str | None:
    return connection.execute(select(users.c.role).where(users.c.name == name)).scalar()


def put_user(connection: Connection, name: str, role: str, now: int) -> None:
    """Create the user, or change their role."""
    if user_role(connection, name) is None:
        connection.execute(insert(users).values(name=name, role=role, created=now))
    else:
        connection.execute(update(users).where(users.c.name == name).values(role=role))


def add_token(connection: Connection, token: Token, secret_hash: bytes) -> None:
    connection.execute(
        insert(tokens).values(
            id=token.id,
            secret_hash=secret_hash,
            user=token.user,
            role=token.role,
            projects=None if token.projects is None else list(token.projects),
            created=token.created,
            expires=token.expires,
        )
    )


def token_with_hash(connection: Connection, token_id: str) -> tuple[Token, bytes] | None:
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    return (_token(row), row.secret_hash) if row else None


def list_tokens(connection: Connection) -> list[Token]:
    return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))]


def delete_token(connection: Connection, token_id: str) -> bool:
    """False when there is no such token."""
    return connection.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount > 0


def agent_hash(connection: Connection, name: str) -> bytes | None:
    return connection.execute(select(agents.c.secret_hash).where(agents.c.name == name)).scalar()


def put_agent(connection: Connection, name: str, secret_hash: bytes, owner: str, now: int) -> None:
    """Create the agent, or give it a new secret."""
    changed = connection.execute(
        update(agents).where(agents.c.name == name).values(secret_hash=secret_hash, owner=owner)
    )
    if not changed.rowcount:
        connection.execute(
            insert(agents).values(name=name, secret_hash=secret_hash, owner=owner, created=now)
        )


def _token(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        user=row.user,
        role=row.role,
        projects=None if row.projects is None else tuple(row.projects),
        created=row.created,
        expires=row.expires,
    )
