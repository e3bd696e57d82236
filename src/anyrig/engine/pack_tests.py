"""The tests of a project's test pack: list them, run them, bring the pack up to date."""

import asyncio
from dataclasses import dataclass, field

from anyrig.core.errors import BadField, NotFound, Unavailable
from anyrig.core.records import Job, Project
from anyrig.core.test_names import file_of, in_place
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine.lab import Lab
from anyrig.engine.submit import Submission, submit
from anyrig.packs.parsers import Names
from anyrig.packs.revisions import Revision
from anyrig.storage.sql import projects as projects_sql


@dataclass(frozen=True, slots=True)
class PackRun:
    """Tests of a test pack that somebody wants run on one node, now or not at all."""

    node: str
    revision: str
    """A branch, a tag, a commit or HEAD."""
    tests: tuple[str, ...]
    project: str | None = None
    """None: the default project."""
    category: str = "default"
    tags: dict[str, str | None] = field(default_factory=dict)
    remote_control: str = ""
    forever: bool = False
    shuffle: bool = False


async def project_named(lab: Lab, who: Principal, name: str | None) -> Project:
    """The project, or the default one: of those that the token opens, the one with the lowest number.

    Raises:
        NotFound: There is none.
    """
    projects = [project for project in await lab.db.read(projects_sql.every) if who.sees(project.name)]
    found = next((project for project in projects if name in {None, project.name}), None)
    if found is None:
        raise NotFound(what="project", name="default" if name is None else name)
    return found


async def project_name(lab: Lab, who: Principal, name: str | None) -> str:
    """The name of ``project_named``, as a rule without a look at the database: a trigger waits for it.

    Projects come, with ever higher numbers, and none ever goes or is renamed: what was found stays right.

    Raises:
        NotFound: There is none.
    """
    for known in lab.projects:
        if who.sees(known) and name in {None, known}:
            return known
    found = await project_named(lab, who, name)
    lab.projects[:] = [project.name for project in await lab.db.read(projects_sql.every)]
    return found.name


async def list_tests(lab: Lab, who: Principal, project: str | None, revision: str) -> Names:
    """The names of the tests in a revision of a project's pack; the default project for None.

    Raises:
        NotFound: The project, its pack or the revision.
    """
    owner = await project_named(lab, who, project)
    who.require(Role.VIEWER, "read the test pack", owner.name)
    commit = await lab.packs.resolve(owner.name, revision)
    return await lab.packs.list_tests(owner.name, commit.sha)


async def run_tests(lab: Lab, who: Principal, wanted: PackRun) -> Job:
    """Start a job on the node.

    A test must be in a file of the pack; whether the file has it is only known when it runs, because tests
    are made at run time, too.

    Raises:
        BadField: A test's name is none, or the pack has no such file.
        NotFound: The project, its pack, the revision, or the node.
        NodeBusy, NodeOffline, NodeReserved, NodeTroubled: The node cannot take it now.
    """
    project = await project_name(lab, who, wanted.project)
    who.require(Role.OPERATOR, "run tests", project)
    files = dict.fromkeys(file_of("test_cases", test) for test in wanted.tests)
    commit = await lab.packs.resolve(project, wanted.revision)
    places = {file: await _place(lab, project, commit.sha, file) for file in files}
    tests = tuple(in_place(test, places) for test in wanted.tests)
    return await submit(lab, who, _submission(project, commit, tests, wanted))


async def _place(lab: Lab, project: str, sha: str, file: str) -> str:
    """The file's path in the pack.

    ``stbt_rig`` as a plugin of pytest 8 names a file without its folder. So a file that is not where its name
    says is any one with tests whose path ends like that, if there is just one.

    Raises:
        BadField: There is none, or more than one.
    """
    if await lab.packs.has_path(project, sha, file):
        return file
    listed = dict.fromkeys(file_of("test_cases", test) for test in await lab.packs.list_tests(project, sha))
    found = [path for path in listed if path.endswith(f"/{file}")]
    if len(found) == 1:
        return found[0]
    which = f"'{file}' may be {' or '.join(found)}" if found else f"there is no file '{file}'"
    raise BadField(field="test_cases", reason=f"{which} in the test pack at commit {sha}")


def _submission(project: str, commit: Revision, tests: tuple[str, ...], wanted: PackRun) -> Submission:
    return Submission(
        project=project,
        kind=Kind.PYTHON,
        tests=tests,
        revision=wanted.revision,
        sha=commit.sha,
        branch=commit.branch,
        category=wanted.category,
        tags=wanted.tags,
        node=wanted.node,
        remote_control=wanted.remote_control,
        forever=wanted.forever,
        shuffle=wanted.shuffle,
        queue=False,
    )


async def fetch_packs(lab: Lab, who: Principal) -> None:
    """Bring all test packs that follow another repository up to date.

    Raises:
        Unavailable: One of them could not be read; the others are up to date all the same.
    """
    who.require(Role.OPERATOR, "fetch test packs")
    projects = await lab.db.read(projects_sql.every)
    follow = [project.name for project in projects if project.upstream and who.sees(project.name)]
    async with asyncio.TaskGroup() as group:
        fetches = [group.create_task(_fetch(lab, name)) for name in follow]
    for fetch in fetches:
        if trouble := fetch.result():
            raise trouble


async def _fetch(lab: Lab, project: str) -> Unavailable | NotFound | None:
    try:
        await lab.packs.fetch(project)
    except (Unavailable, NotFound) as error:
        return error
    return None
