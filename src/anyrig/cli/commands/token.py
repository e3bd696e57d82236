"""``anyrig token``: creates, lists and revokes access tokens."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words

token = typer.Typer(no_args_is_help=True, help="Create, list and revoke access tokens.")
_COLUMNS = ("token", "user", "role", "projects", "created", "expires")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@token.command("create")
def create(
    user: Annotated[str, typer.Option(help="Whose it is; a new user is created.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "operator",
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Opens only this project; may be repeated.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Make it on this data directory itself, without a server and a token."),
    ] = None,
    json: Json = False,
) -> int:
    """Create an access token. It is printed alone on stdout, this once.

    For example:

      anyrig token create --user ada --role operator

      anyrig token create --user ci --role operator --data /var/lib/anyrig
    """
    if data is None:
        made = _created({"user": user, "role": role, "projects": project})
    elif project:
        raise exits.Refused("With --data a token opens all projects.", 400)
    else:
        made = {"user": user, "role": role, "token": _offline(data, user, role)}
    output.json(made) if json else output.line(made["token"])
    return exits.OK


def _offline(data: Path, user: str, role: str) -> str:
    from anyrig.bootstrap.offline import offline_token  # noqa: PLC0415 - the server's parts take time to load

    return offline_token(data, user, role)


def _created(body: dict[str, Any]) -> dict[str, Any]:
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    return client.post("/tokens", body)


@token.command("list")
def list_tokens(json: Json = False) -> int:
    """List all tokens, without their secrets. For administrators."""
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    found = client.get("/tokens")["tokens"]
    if json:
        for each in found:
            output.json(each)
    else:
        output.table(_COLUMNS, map(_row, found))
    return exits.OK


def _row(each: dict[str, Any]) -> list[str]:
    projects = "all" if each["projects"] is None else " ".join(each["projects"])
    times = (words.moment(each[name]) for name in ("created", "expires"))
    return [each["id"], each["user"], each["role"], projects, *times]


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="The part before the dot.")],
    json: Json = False,
) -> int:
    """Revoke a token: it stops working. For administrators."""
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    short = token_id.partition(".")[0]
    client = Client.from_environment()
    client.delete(f"/tokens/{short}")
    output.json({"revoked": short}) if json else output.line(f"Token {short} is revoked.")
    return exits.OK
