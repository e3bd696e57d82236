"""``anyrig press``: presses keys on a node's device."""

from typing import Annotated
from urllib.parse import quote

import typer

from anyrig.cli import exits, output

_LONGEST = 60.0


def press(
    node: Annotated[str, typer.Argument(help="The node; it has a device.")],
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Names of keys, such as KEY_OK.")],
    hold: Annotated[
        float | None,
        typer.Option(min=0, max=_LONGEST, help="Hold each for so many seconds.  [default: a short press]"),
    ] = None,
    remote_control: Annotated[
        str | None,
        typer.Option(help="As the test pack describes it.  [default: the one that was used last]"),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Of the test pack.  [default: its main branch]")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Whose test pack.  [default: the first]")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one key a line, when it is up.")] = False,
) -> int:
    """Press keys on a node's device, one after the other; ends when the last is up again.

    For example:

      anyrig press tv1 KEY_HOME KEY_RIGHT KEY_OK

      anyrig press tv1 KEY_POWER --hold 3 --remote-control roku
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    more = {"hold": hold, "remote_control": remote_control, "revision": revision, "project": project}
    for key in keys:
        client.tell(f"/nodes/{quote(node, safe='')}/press", {"key": key, **more})
        if json:
            output.json({"node": node, "key": key})
    return exits.OK
