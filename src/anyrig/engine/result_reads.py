"""Results: find them, look at one, and open what it left."""

from collections.abc import Sequence

from anyrig.core.errors import Gone, NotFound
from anyrig.core.filters import Sort
from anyrig.core.messages import Artifact
from anyrig.core.records import Result, ResultDetail
from anyrig.core.users import Principal
from anyrig.engine import filtering
from anyrig.engine.lab import Lab
from anyrig.storage import Connection
from anyrig.storage.sql import results as results_sql
from anyrig.storage.sql import search as search_sql

Traced = tuple[Result, str | None]
"""A result and its traceback."""


async def find(lab: Lab, who: Principal, text: str, tz: str, sort: Sort, limit: int) -> list[Result]:
    """The first ``limit`` results that the filter ``text`` lets through; dates without a zone are in ``tz``.

    Raises:
        BadFilter: The filter or the zone makes no sense.
    """
    wanted = filtering.parse(text, tz, lab.now())
    return await lab.db.read(lambda c: search_sql.page(c, wanted, sort, limit, projects=who.projects))


async def find_traced(lab: Lab, who: Principal, text: str, tz: str, sort: Sort, limit: int) -> list[Traced]:
    """As ``find``, with tracebacks."""
    wanted = filtering.parse(text, tz, lab.now())

    def work(connection: Connection) -> list[Traced]:
        found = search_sql.page(connection, wanted, sort, limit, projects=who.projects)
        traces = search_sql.tracebacks(connection, [result.number for result in found])
        return [(result, traces[result.number]) for result in found]

    return await lab.db.read(work)


async def detail(lab: Lab, who: Principal, name: str) -> ResultDetail:
    """Raises NotFound, Gone."""
    found = await lab.db.read(lambda c: results_sql.detail(c, name))
    if found is None:
        raise NotFound(what="result", name=name)
    _check(who, found.result)
    return found


async def one(lab: Lab, who: Principal, name: str) -> Result:
    """Without what it left. Raises NotFound, Gone."""
    found = await lab.db.read(lambda c: results_sql.by_name(c, name))
    if found is None:
        raise NotFound(what="result", name=name)
    _check(who, found)
    return found


async def artifact(lab: Lab, who: Principal, name: str, files: Sequence[str]) -> Artifact:
    """The first of these files that the result has.

    Raises:
        NotFound, Gone: The result, or it has none of the files.
    """

    def work(connection: Connection) -> tuple[Result | None, list[Artifact | None]]:
        result = results_sql.by_name(connection, name)
        return result, [results_sql.artifact(connection, name, file) for file in files]

    result, found = await lab.db.read(work)
    if result is None:
        raise NotFound(what="result", name=name)
    _check(who, result)
    for one in found:
        if one is not None:
            return one
    raise NotFound(what="artifact", name=files[0])


def _check(who: Principal, result: Result) -> None:
    if not who.sees(result.project):
        raise NotFound(what="result", name=result.result_id)
    if result.deleted is not None:
        raise Gone(what="result", name=result.result_id)
