"""Bring a database's schema up to date, at every start."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from anyrig.storage.migrations import HEAD


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def migrate(connection: Connection) -> None:
    """Upgrade to the newest revision within the caller's transaction, which holds the caller's lock."""
    if current(connection) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
