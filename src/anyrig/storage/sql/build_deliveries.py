"""Webhooks that were taken."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from anyrig.storage.schema_builds import build_deliveries


def remember(connection: Connection, build: int, deliveries: Sequence[str], now: int) -> bool:
    """False when one of the ids was remembered before; then nothing is."""
    if not deliveries:
        return True
    table = build_deliveries.c
    known = select(table.delivery).where(table.build == build, table.delivery.in_(deliveries)).limit(1)
    if connection.execute(known).first() is not None:
        return False
    rows = [{"build": build, "delivery": each, "at": now} for each in dict.fromkeys(deliveries)]
    connection.execute(insert(build_deliveries), rows)
    return True


def forget_before(connection: Connection, before: int) -> int:
    """Forget those that came before that time; how many."""
    gone = delete(build_deliveries).where(build_deliveries.c.at < before)
    return connection.execute(gone).rowcount
