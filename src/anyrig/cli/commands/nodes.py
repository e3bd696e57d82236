"""``anyrig nodes``: lists nodes."""

from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words

Json = dict[str, Any]
_COLUMNS = ("node", "state", "runs", "kinds", "labels", "agent", "last used")


def nodes(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one node a line.")] = False,
) -> int:
    """List all nodes, and what they are doing.

    For example: anyrig nodes
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    found = client.get("/nodes")["nodes"]
    if json:
        for node in found:
            output.json(node)
    else:
        output.table(_COLUMNS, map(_row, found))
    return exits.OK


def _row(node: Json) -> list[str]:
    used = f"{words.moment(node['last_used'])} {node['last_used_by'] or ''}".strip()
    return [
        node["name"],
        _state(node),
        node["busy_with"] or "-",
        " ".join(node["kinds"]),
        " ".join(node["labels"]) or "-",
        node["agent"],
        used,
    ]


def _state(node: Json) -> str:
    if not node["online"]:
        return "offline"
    if node["trouble"] or node["busy_with"]:
        return str(node["trouble"] or "running")
    return f"reserved by @{node['reserved_by']}" if node["reserved_by"] else "online"
