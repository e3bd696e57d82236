"""Users with passwords."""

from sqlalchemy import Connection, delete, insert, select

from anyrig.storage.schema_builds import passwords


def put(connection: Connection, user: str, hashed: str, role: str) -> None:
    """Set the password of a user who is there."""
    connection.execute(delete(passwords).where(passwords.c.user == user))
    connection.execute(insert(passwords).values(user=user, hash=hashed, role=role))


def of_user(connection: Connection, user: str) -> tuple[str, str] | None:
    """The password's hash, and the role that it opens."""
    found = select(passwords.c.hash, passwords.c.role).where(passwords.c.user == user)
    row = connection.execute(found).one_or_none()
    return (row.hash, row.role) if row else None
