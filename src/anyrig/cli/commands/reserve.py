"""``anyrig reserve``: keeps nodes for one user, and gives them back."""

from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words
from anyrig.cli.exits import Refused

Json = dict[str, Any]
_COLUMNS = ("number", "node", "user", "since", "until", "message")
_CONFLICT = 409
_WAIT_SECONDS = 50

Nodes = Annotated[
    list[str] | None,
    typer.Argument(help="Nodes; with --extend, --end or --interrupt also reservations.", show_default=False),
]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="30m, 12h, 1d12h.  [default: until it is ended]")
]
Message = Annotated[str, typer.Option(help="What for, or why; Markdown, for the others to read.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until all the nodes are free.")]
List = Annotated[bool, typer.Option("--list", help="List what is reserved.")]
Extend = Annotated[bool, typer.Option("--extend", help="Keep them so much longer.")]
End = Annotated[bool, typer.Option("--end", help="Give them back.")]
Interrupt = Annotated[bool, typer.Option("--interrupt", help="End what somebody else has reserved.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one reservation a line.")]


def reserve(
    nodes: Nodes = None,
    duration: For = None,
    message: Message = "",
    wait: Wait = False,
    show: List = False,
    extend: Extend = False,
    end: End = False,
    interrupt: Interrupt = False,
    json: AsJson = False,
) -> int:
    """Keep nodes for yourself: all those that are named, or none.

    Nobody else can run tests on them, stop yours or press keys there, until you end the reservation, it
    expires, or somebody interrupts it and tells you why.

    For example:

      anyrig reserve tv1 tv2 --for 12h --message "Overnight soak" --wait

      anyrig reserve --extend tv1 --for 30m

      anyrig reserve --end tv1 tv2
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    chosen = [name for name, asked in _asked(show, extend, end, interrupt).items() if asked]
    if len(chosen) > 1:
        raise Refused(f"{' and '.join(chosen)} do not go together.", 400)
    client = Client.from_environment()
    if show:
        return _print(_held(client), json=json)
    if not nodes:
        raise Refused("Name the nodes; 'anyrig nodes' lists them.", 400)
    if chosen:
        return _print(_change(client, chosen[0], nodes, duration, message), json=json)
    body = {
        "nodes": nodes,
        "message": message,
        "seconds": None if duration is None else words.seconds(duration),
    }
    return _print(_reserved(client, body, wait=wait), json=json)


def _asked(show: bool, extend: bool, end: bool, interrupt: bool) -> dict[str, bool]:
    return {"--list": show, "--extend": extend, "--end": end, "--interrupt": interrupt}


def _held(client: Any) -> list[Json]:
    found: list[Json] = client.get("/reservations")["reservations"]
    return found


def _reserved(client: Any, body: Json, *, wait: bool) -> list[Json]:
    said = ""
    while True:
        try:
            made: list[Json] = client.post("/reservations", body)["reservations"]
        except Refused as refused:
            if not (wait and refused.status == _CONFLICT and refused.problem.get("nodes")):
                raise
            said = _waiting(client, refused, said)
        else:
            return made


def _waiting(client: Any, refused: Refused, said: str) -> str:
    """Wait for one of the nodes that are in the way; returns what was said of them."""
    node, reason = next(iter(refused.problem["nodes"].items()))
    if reason != said:
        output.note(f"Waiting. {reason}")
    client.get(f"/nodes/{node}/wait", seconds=_WAIT_SECONDS)
    return str(reason)


def _change(client: Any, how: str, names: list[str], duration: str | None, message: str) -> list[Json]:
    body: Json = {}
    if how == "--extend":
        if duration is None:
            raise Refused("Say for how much longer: --for 30m.", 400)
        body = {"seconds": words.seconds(duration)}
    elif how == "--interrupt":
        body = {"message": message}
    return [_changed(client, how, one["number"], body) for one in _chosen(_held(client), names)]


def _changed(client: Any, how: str, number: int, body: Json) -> Json:
    path = f"/reservations/{number}"
    if how == "--end":
        client.delete(path)
        found: Json = client.get(path)
        return found
    changed: Json = client.post(f"{path}/{how.removeprefix('--')}", body)
    return changed


def _chosen(held: list[Json], names: list[str]) -> list[Json]:
    known = {str(one["number"]): one for one in held} | {one["node"]: one for one in held}
    for name in names:
        if name not in known:
            raise Refused(f"Nobody has reserved '{name}'.", 404)
    return [known[name] for name in names]


def _print(found: list[Json], *, json: bool) -> int:
    if json:
        for one in found:
            output.json(one)
    else:
        output.table(_COLUMNS, map(_row, found))
    return exits.OK


def _row(one: Json) -> list[str]:
    until = one["state"] if one["ended"] else words.moment(one["expires"])
    return [
        str(one["number"]),
        one["node"],
        one["user"],
        words.moment(one["start"]),
        until,
        words.first_line(one["message"]) or "-",
    ]
