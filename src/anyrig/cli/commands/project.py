"""``anyrig project``: adds, lists and fetches projects."""

from pathlib import Path
from typing import Annotated

import typer

from anyrig.cli import exits, output, words

project = typer.Typer(no_args_is_help=True, help="Add, list and fetch projects.")
_COLUMNS = ("project", "follows", "push to", "created")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The project's name.")]


@project.command("add")
def add(
    name: Name,
    source: Annotated[
        str | None,
        typer.Argument(
            help="What its test pack follows: a folder or URL; none: push to it.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Create a project with a test pack. For administrators.

    For example:

      anyrig project add tv https://github.com/example/test-pack.git

      anyrig project add mine
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    given = str(Path(source).absolute()) if source and Path(source).is_dir() else source
    client = Client.from_environment()
    made = client.post("/projects", {"name": name, "source": given})
    where = f"follows {made['source']}" if made["source"] else f"push to {made['git_url']}"
    output.json(made) if json else output.line(f"Project {name}: {where}")
    return exits.OK


@project.command("list")
def list_projects(json: Json = False) -> int:
    """List the projects; the first is the default one."""
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    found = client.get("/projects")["projects"]
    if json:
        for each in found:
            output.json(each)
    else:
        rows = ([p["name"], p["source"] or "-", p["git_url"], words.moment(p["created"])] for p in found)
        output.table(_COLUMNS, rows)
    return exits.OK


@project.command("fetch")
def fetch(name: Name, json: Json = False) -> int:
    """Bring a project's test pack up to date with what it follows, now."""
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    found = client.post(f"/projects/{name}/fetch")
    output.json(found) if json else output.line(f"Project {name} is up to date.")
    return exits.OK
