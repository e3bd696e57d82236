"""What can be done on a data directory itself, whether a server runs or not."""

import asyncio
from pathlib import Path

from anyrig.engine import access
from anyrig.engine.clock import utc_now
from anyrig.settings import ServerSettings, read
from anyrig.storage.database import open_database


def offline_token(data: Path, user: str, role: str) -> str:
    """The printed form of a new token, made on the data directory itself, whether a server runs or not.

    Raises:
        BadField: The user's name or the role is not allowed.
        Invalid: A setting is wrong.
    """
    return asyncio.run(_offline_token(read(data=data), user, role))


async def _offline_token(settings: ServerSettings, user: str, role: str) -> str:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with open_database(settings.database) as db:
        _, printed = await access.create_token(db, user, access.role_named(role), utc_now())
        return printed
