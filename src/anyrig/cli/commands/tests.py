"""``anyrig tests``: lists the tests that can be run."""

from typing import Annotated

import typer

from anyrig.cli import exits, output
from anyrig.cli.exits import Refused


def list_tests(
    project: Annotated[str | None, typer.Option(help="The project.  [default: the first one]")] = None,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit of the test pack.")] = "HEAD",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the tests of a project, each as 'anyrig run' takes it.

    For example: anyrig tests --project tv --revision main
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    if project is None:
        known = client.get("/projects")["projects"]
        if not known:
            raise Refused("There is no project yet; 'anyrig project add' makes one.", 404)
        project = known[0]["name"]
    found = client.get(f"/projects/{project}/tests", revision=revision)
    if json:
        output.json(found)
        return exits.OK
    for test in found["tests"]:
        output.line(test["name"])
    for trouble in found["troubles"]:
        output.note(trouble)
    return exits.OK


tests = list_tests
