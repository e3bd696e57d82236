"""What was said of a build, page by page."""

from dataclasses import dataclass

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.errors import NotFound
from anyrig.core.users import Principal
from anyrig.engine.known_builds import Build
from anyrig.engine.lab import Lab
from anyrig.storage import Connection
from anyrig.storage.sql.build_records import Page, page, page_at
from anyrig.storage.sql.builds import present


@dataclass(frozen=True, slots=True)
class Pages:
    """Which pages of how many records."""

    first: int = 1
    last: int = 1
    size: int = 10
    """-1: one page of all."""
    level: int = Level.INFO
    """Of this and higher ones."""


async def records(lab: Lab, build: Build, pages: Pages, *, runs: bool = False) -> list[Record]:
    """The newest first; with ``runs``, only what was said of runs as a whole."""
    wanted = _wanted(pages, runs=runs)
    return await lab.db.read(lambda c: page(c, build.kept.history, wanted))


def _wanted(pages: Pages, *, runs: bool) -> Page:
    first, last = max(1, pages.first), max(1, pages.first, pages.last)
    size = pages.size
    return Page(
        channels=(Channel.RUN,) if runs else None,
        level=pages.level,
        offset=0 if size < 0 else (first - 1) * size,
        limit=-1 if size < 0 else (last - first + 1) * size,
    )


async def records_at(
    lab: Lab, who: Principal, listen_point: str, pages: Pages, *, runs: bool
) -> list[Record]:
    """The records of the build that listens there, in one look. Raises NotFound."""
    wanted = _wanted(pages, runs=runs)

    def work(connection: Connection) -> list[Record]:
        found = page_at(connection, listen_point, wanted)
        if found is None:
            kept = present(connection, listen_point)
            found = (kept.project, []) if kept else None
        if found is None or not who.sees(found[0]):
            raise NotFound(what="build", name=listen_point)
        return found[1]

    return await lab.db.read(work)


async def last_end(lab: Lab, build: Build) -> Record | None:
    """What was said of the run that ended last; None: none has."""
    found = await records(lab, build, Pages(size=1), runs=True)
    return found[0] if found else None
