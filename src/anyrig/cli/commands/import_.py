"""``anyrig import``: brings what another product's server was set up with."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from anyrig.cli import exits, output

import_ = typer.Typer(no_args_is_help=True, help="Bring users and tests of other products.")


@import_.callback()
def _several() -> None:
    """Bring users and tests of other products."""


@import_.command("sloth")
def sloth(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where Sloth CI's sloth.yml is.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the server, whether it runs or not.  [default: anyrig-data]"),
    ] = None,
    role: Annotated[
        str, typer.Option(help="Of the users: operator, or admin, who may stop the server, too.")
    ] = "admin",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Bring users and builds of a Sloth CI server.

    Users keep their passwords, which are kept hashed and open Sloth CI's API alone. Builds are those of the
    app files that sloth.yml names; those that are there already stay as they are.

    For example: anyrig import sloth /etc/sloth
    """
    from anyrig.bootstrap.importing import import_sloth  # noqa: PLC0415 - the server's parts take time to load

    done = import_sloth(folder, data, role)
    if json:
        output.json(asdict(done))
        return exits.OK
    for user in done.users:
        output.line(f"user {user} ({role})")
    for build in done.builds:
        output.line(f"build:{build}")
    for trouble in done.troubles:
        output.note(trouble)
    if done.settings:
        output.note(f"Settings of that server, for anyrig.toml in the data folder:\n\n{done.settings}")
    return exits.OK
