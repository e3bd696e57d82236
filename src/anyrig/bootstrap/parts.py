"""The server's parts, opened in order and closed in the other."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from anyrig.bus.client import Bus
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.server import NatsServer
from anyrig.engine.access import Access
from anyrig.engine.lab import Lab, Limits
from anyrig.packs.hosting import Packs
from anyrig.settings import ServerSettings
from anyrig.storage import Connection
from anyrig.storage.artifacts import Objects
from anyrig.storage.database import Database, open_database
from anyrig.storage.objects_files import FileObjects
from anyrig.storage.sql import access as sql


@asynccontextmanager
async def open_lab(settings: ServerSettings) -> AsyncIterator[tuple[Lab, Endpoint]]:
    """Database, bus, objects and packs, in this order, and closed in the other."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        endpoint = await _endpoint(settings, stack)
        db = await stack.enter_async_context(open_database(settings.database))
        bus = await stack.enter_async_context(Bus.connect(endpoint, name="server"))
        await bus.ensure_streams(settings.nats_replicas)
        packs = await stack.enter_async_context(Packs(settings.data / "packs"))
        lab = Lab(
            db=db,
            bus=bus,
            objects=_objects(settings),
            packs=packs,
            access=Access(db),
            series=await _series(db),
            limits=Limits(
                lease=round(settings.lease_seconds * 1e6), accept_within=round(settings.accept_seconds * 1e6)
            ),
        )
        yield lab, endpoint


async def _endpoint(settings: ServerSettings, stack: AsyncExitStack) -> Endpoint:
    if settings.nats_url:
        return Endpoint.parse(settings.nats_url, settings.nats_issuer_seed, settings.nats_websocket_url)
    return (await stack.enter_async_context(NatsServer(settings.data / "nats"))).endpoint


def _objects(settings: ServerSettings) -> Objects:
    if settings.objects_url is None:
        return FileObjects(settings.data / "objects")
    from anyrig.storage.objects_s3 import StoreObjects  # noqa: PLC0415 - obstore is for those who have a store

    return StoreObjects(settings.objects_url, settings.objects_options, settings.data / "spool")


async def _series(db: Database) -> int:
    """The number that names this installation in its jobs' uids, drawn once."""

    def work(connection: Connection) -> int:
        kept = sql.fact(connection, "series")
        if kept is None:
            kept = str(secrets.randbelow(62**4))
            sql.set_fact(connection, "series", kept)
        return int(kept)

    return await db.write(work)
