"""The schema's history leads to the schema, on both databases, whoever starts when."""

import asyncio
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from anyrig.storage import Connection, migrations
from anyrig.storage.database import Database, open_database
from anyrig.storage.migrate import current
from anyrig.storage.schema import metadata


async def test_the_migrations_make_just_the_tables_of_the_schema(db: Database) -> None:
    def differences(c: Connection) -> Any:
        opts = {"compare_type": True, "include_name": lambda name, *_: "trigrams" not in (name or "")}
        return compare_metadata(MigrationContext.configure(c, opts=opts), metadata)

    assert await db.write(differences) == []


async def test_servers_that_start_at_once_wait_for_each_other(database_url: str) -> None:
    async def start() -> str | None:
        async with open_database(database_url) as database:
            return await database.read(current)

    assert set(await asyncio.gather(*(start() for _ in range(4)))) == {migrations.HEAD}


def test_the_head_that_is_looked_for_is_the_newest_migration() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.HEAD
