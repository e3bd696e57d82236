"""Duties that one server has at a time: whoever is first when one is due takes it."""

from sqlalchemy import Connection, insert, select, update

from anyrig.storage.schema import duties


def take(connection: Connection, name: str, now: int, until: int) -> bool:
    """Take the duty if it is due; it will not be due again before ``until``."""
    if due(connection, name) is None:
        connection.execute(insert(duties).values(name=name, due=until))
        return True
    changed = update(duties).where(duties.c.name == name, duties.c.due <= now).values(due=until)
    return connection.execute(changed).rowcount > 0


def prolong(connection: Connection, name: str, until: int) -> None:
    """It takes longer: nobody else takes it before ``until``."""
    connection.execute(update(duties).where(duties.c.name == name, duties.c.due < until).values(due=until))


def due(connection: Connection, name: str) -> int | None:
    """When it may be taken next; None: it never was."""
    return connection.execute(select(duties.c.due).where(duties.c.name == name)).scalar()
