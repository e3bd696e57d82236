"""``anyrig agent``: serves the nodes of a lab machine."""

import asyncio
import socket
from pathlib import Path
from typing import Annotated

import typer

from anyrig.cli import running


def agent(
    server: Annotated[
        str, typer.Option(envvar="ANYRIG_URL", help="The server's address.")
    ] = "http://127.0.0.1:8000",
    token: Annotated[
        str | None,
        typer.Option(envvar="ANYRIG_TOKEN", help="An operator's token: needed only the first time."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The agent's name.  [default: the host's name]")] = None,
    data: Annotated[Path, typer.Option(help="Folder for journals, checkouts and environments.")] = Path(
        "anyrig-agent"
    ),
    slots: Annotated[
        int | None, typer.Option(min=1, max=256, help="How many nodes to offer.  [default: one a core]")
    ] = None,
    node: Annotated[
        list[str] | None, typer.Option("--node", help="Names of the nodes, instead of NAME-1, NAME-2 …")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="A label of every node; may be given many times.")
    ] = None,
    log_level: Annotated[
        str, typer.Option(envvar="ANYRIG_LOG_LEVEL", help="From debug to critical.")
    ] = "info",
    log_json: Annotated[
        bool, typer.Option("--log-json", envvar="ANYRIG_LOG_JSON", help="One JSON object a line.")
    ] = False,
    one_port: Annotated[
        bool, typer.Option("--one-port", help="Use only the server's HTTP port, even on one machine.")
    ] = False,
) -> int:
    """Serve the nodes of this machine. The agent only dials out, and waits for a server that is away.

    Example: anyrig agent --server http://lab:8000 --token TOKEN --name rack3 --label london
    """
    from anyrig.bootstrap import agent as bootstrap  # noqa: PLC0415 - client commands start without it

    running.start_logging(log_level, as_json=log_json)
    folder = data.absolute()  # programs that we start work in other folders than ours
    called = name or running.plain_name(socket.gethostname())
    nodes = tuple(node or (f"{called}-{n}" for n in range(1, running.default_slots(slots) + 1)))

    async def work(stop: asyncio.Event) -> None:
        identity = await bootstrap.identity(folder, server, called, token)
        await bootstrap.serve_nodes(server, identity, folder, nodes, tuple(label or ()), one_port, stop)

    return running.until_signalled(work)
