"""The server's parts, opened in order and closed in the other."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from anyrig.bootstrap.objects import open_objects
from anyrig.bootstrap.secret_key import secret_key
from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.engine.access import Access
from anyrig.engine.lab import Lab, Limits
from anyrig.engine.passwords import Passwords
from anyrig.engine.project_secrets import ProjectSecrets
from anyrig.engine.seals import Seal
from anyrig.packs.hosting import Packs
from anyrig.settings import ServerSettings
from anyrig.storage import Connection
from anyrig.storage.database import Database, open_database
from anyrig.storage.sql import access as sql


@asynccontextmanager
async def open_lab(settings: ServerSettings, endpoint: Endpoint) -> AsyncIterator[Lab]:
    """Database, bus, objects and packs, in this order, and closed in the other."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(settings.database))
        bus = await stack.enter_async_context(Bus.connect(endpoint, name="server"))
        await bus.ensure_streams(settings.nats_replicas)
        packs = await stack.enter_async_context(Packs(settings.data / "packs"))
        seal = Seal(secret_key(settings.data, settings.secret_key))
        lab = Lab(
            db=db,
            bus=bus,
            objects=open_objects(settings),
            packs=packs,
            access=Access(db),
            passwords=Passwords(db),
            series=await _series(db),
            seal=seal,
            secrets=ProjectSecrets(db, seal),
            retention=settings.retention.rules(),
            limits=Limits(
                lease=round(settings.lease_seconds * 1e6), accept_within=round(settings.accept_seconds * 1e6)
            ),
        )
        yield lab


async def _series(db: Database) -> int:
    """The number that names this installation in its jobs' uids, drawn once."""

    def work(connection: Connection) -> int:
        kept = sql.fact(connection, "series")
        if kept is None:
            kept = str(secrets.randbelow(62**4))
            sql.set_fact(connection, "series", kept)
        return int(kept)

    return await db.write(work)
