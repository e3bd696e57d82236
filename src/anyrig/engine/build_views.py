"""Builds as people look at them: a list, one with how it stands, what was said of it, and its app file."""

from dataclasses import dataclass

from anyrig.core.build_records import Channel, Level
from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine import builds
from anyrig.engine.known_builds import Build
from anyrig.engine.lab import Lab
from anyrig.storage import Connection
from anyrig.storage.sql import build_views as sql
from anyrig.storage.sql import builds as builds_sql
from anyrig.storage.sql.build_views import Key, Said, Standing
from anyrig.storage.sql.builds import Kept


@dataclass(frozen=True, slots=True)
class Seen:
    """A build, and how it stands now."""

    build: Build
    now: Standing = sql.NEW


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """Some records, the newest first, and where the next page goes on; None after the last."""

    said: list[Said]
    after: Key | None


async def list_builds(lab: Lab, who: Principal) -> list[Seen]:
    """Those that the token opens, by listen point."""

    def work(connection: Connection) -> tuple[list[Kept], dict[int, Standing]]:
        return builds_sql.every(connection), sql.standing(connection)

    every, standing = await lab.db.read(work)
    mine = [kept for kept in every if who.sees(kept.project)]
    return [Seen(await _opened(lab, kept), standing.get(kept.number, sql.NEW)) for kept in mine]


async def _opened(lab: Lab, kept: Kept) -> Build:
    known = lab.builds.get(kept.number)
    return Build(kept, *known) if known else await builds.numbered(lab, kept.number)


async def find_build(lab: Lab, who: Principal, listen_point: str) -> Seen:
    """Raises NotFound."""
    build = await builds.find(lab, who, listen_point)
    standing = await lab.db.read(lambda c: sql.standing(c, build.number))
    return Seen(build, standing.get(build.number, sql.NEW))


async def records_page(
    lab: Lab,
    build: Build,
    limit: int,
    before: Key | None = None,
    *,
    level: Level = Level.INFO,
    channel: Channel | None = None,
) -> RecordsPage:
    """At most ``limit`` records of this level and higher ones, from before the one with this key."""
    wanted = sql.Wanted(level, channel, limit + 1, before)
    found = await lab.db.read(lambda c: sql.page(c, build.kept.history, wanted))
    kept = found[:limit]
    return RecordsPage(kept, kept[-1].key if kept and len(found) > limit else None)


async def jobs_of(lab: Lab, build: Build, limit: int) -> list[Job]:
    """Its last runs, the newest first."""
    return await lab.db.read(lambda c: sql.jobs_of(c, build.kept.history, limit))


async def app_file(lab: Lab, who: Principal, listen_point: str) -> str:
    """What the build was made of: there may be passwords in it. Raises NotFound, Forbidden."""
    build = await builds.find(lab, who, listen_point)
    who.require(Role.OPERATOR, "read app files", build.project)
    return build.text
