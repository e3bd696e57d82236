"""Projects, their test packs, and the tests in them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from anyrig.core.errors import BadField, Conflict
from anyrig.core.ids import checked_name
from anyrig.core.pack_file import PACK_FILE, parse_pack_file
from anyrig.core.records import Project
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine.lab import Lab
from anyrig.engine.pack_tests import project_named
from anyrig.packs.revisions import Revision
from anyrig.storage import Connection
from anyrig.storage.sql import projects as sql


@dataclass(frozen=True, slots=True)
class NamedTest:
    """A test that can be run."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class PackTests:
    """What a test pack holds at a commit."""

    revision: Revision
    tests: tuple[NamedTest, ...]
    troubles: tuple[str, ...]
    """Sentences: which kind of tests could not be listed, and why."""


async def create_project(lab: Lab, who: Principal, name: str, source: str | None = None) -> Project:
    """A new project with a test pack: one that follows ``source``, or an empty one to push to.

    ``source`` is a folder or repository on the server, or the URL of a repository.

    Raises:
        Conflict: There is a project of this name.
        BadField: The name or the source is none.
        PackUnavailable: The source cannot be read now; the project is not created.
    """
    who.require(Role.ADMIN, "create projects", name)
    checked_name("name", name)
    if await lab.db.read(lambda c: sql.by_name(c, name)) is not None:
        raise Conflict(reason=f"there is a project '{name}' already")
    if source:
        await lab.packs.adopt(name, source)
    else:
        await lab.packs.create(name)
    return await lab.db.write(lambda c: _add(c, name, source, lab.now()))


def _add(connection: Connection, name: str, source: str | None, now: int) -> Project:
    if sql.by_name(connection, name) is not None:
        raise Conflict(reason=f"there is a project '{name}' already")
    return sql.add(connection, name, source, now)


async def follow(lab: Lab, who: Principal, name: str, source: str | None) -> Project:
    """The project, created if need be, with a test pack that follows ``source``; without one, as it is.

    Raises:
        BadField: The name or the source is none.
        PackUnavailable: The source cannot be read now.
    """
    who.require(Role.ADMIN, "change projects", name)
    known = await lab.db.read(lambda c: sql.by_name(c, name))
    if known is None:
        return await create_project(lab, who, name, source)
    if source is None:
        return known
    await lab.packs.adopt(name, source)
    await lab.db.write(lambda c: sql.set_upstream(c, name, source))
    return replace(known, upstream=source)


async def list_projects(lab: Lab, who: Principal) -> list[Project]:
    """Those that the token opens, the oldest first."""
    return [each for each in await lab.db.read(sql.every) if who.sees(each.name)]


async def fetch_project(lab: Lab, who: Principal, name: str) -> Project:
    """Bring the test pack up to date with what it follows, now.

    Raises:
        NotFound: There is no such project.
        PackUnavailable: Its source cannot be read.
    """
    who.require(Role.OPERATOR, "fetch test packs")
    found = await project_named(lab, who, name)
    await lab.packs.fetch(name)
    return found


async def list_tests(lab: Lab, who: Principal, name: str, revision: str = "HEAD") -> PackTests:
    """Every test of the pack at a revision. A kind that cannot be listed is told of in ``troubles``.

    Raises:
        NotFound: There is no such project, or it has no test pack.
        RevisionNotFound: There is no such revision.
        PackUnavailable: The pack cannot be read.
    """
    await project_named(lab, who, name)
    found = await lab.packs.resolve(name, revision)
    tests: list[NamedTest] = []
    troubles: list[str] = []
    for kind, listed in _LISTED.items():
        try:
            tests += [NamedTest(kind, test) for test in await listed(lab, name, found.sha)]
        except BadField as error:
            troubles.append(str(error))
    return PackTests(found, tuple(tests), tuple(troubles))


async def names_of_kind(lab: Lab, project: str, kind: Kind, sha: str) -> tuple[str, ...]:
    """The names of the pack's tests of one kind at a commit.

    Raises:
        BadField: A pack has no tests of this kind, or the file that names them makes no sense.
    """
    listed = _LISTED.get(kind)
    if listed is None:
        raise BadField(field="kind", reason=f"tests of kind {kind} are not in test packs")
    return await listed(lab, project, sha)


async def _python_tests(lab: Lab, project: str, sha: str) -> tuple[str, ...]:
    return await lab.packs.list_tests(project, sha)


async def _commands(lab: Lab, project: str, sha: str) -> tuple[str, ...]:
    data = await lab.packs.read_file(project, sha, PACK_FILE)
    return () if data is None else tuple(parse_pack_file(data).commands)


_LISTED: dict[Kind, Callable[[Lab, str, str], Awaitable[tuple[str, ...]]]] = {
    Kind.PYTHON: _python_tests,
    Kind.COMMAND: _commands,
}
"""How the tests of a pack are found, a line a kind."""
