"""``anyrig tests``: lists the tests that can be run."""

from typing import Annotated, Any

import typer

from anyrig.cli import exits, output
from anyrig.cli.exits import Refused

Json = dict[str, Any]
_NOTHING: Json = {"sha": "", "branch": None, "tests": [], "troubles": []}
"""What a project has that is known for its builds only: no test pack."""


def list_tests(
    project: Annotated[str | None, typer.Option(help="The project.  [default: the first one]")] = None,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit of the test pack.")] = "HEAD",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the tests of a project, each as 'anyrig run' takes it.

    Builds are listed behind those of the test pack; without --project, the builds of all projects are.

    For example: anyrig tests --project tv --revision main
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    builds = [each for each in client.get("/builds")["builds"] if project in {None, each["project"]}]
    found = _of_pack(client, project, revision, any_builds=bool(builds))
    found["tests"] += [{"name": each["test"], "kind": "build"} for each in builds]
    if json:
        output.json(found)
        return exits.OK
    for test in found["tests"]:
        output.line(test["name"])
    for trouble in found["troubles"]:
        output.note(trouble)
    return exits.OK


def _of_pack(client: Any, project: str | None, revision: str, *, any_builds: bool) -> Json:
    """What is in the project's test pack, or in that of the first one."""
    known = [each["name"] for each in client.get("/projects")["projects"]]
    name = project or next(iter(known), None)
    if any_builds and name not in known:
        return {**_NOTHING, "tests": []}
    if name is None:
        raise Refused("There is no project yet; 'anyrig project add' makes one.", 404)
    found: Json = client.get(f"/projects/{name}/tests", revision=revision)
    return found


tests = list_tests
