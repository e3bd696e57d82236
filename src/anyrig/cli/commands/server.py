"""``anyrig server``: a server alone; agents come from elsewhere."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anyrig.cli import output, running

if TYPE_CHECKING:
    from anyrig.bootstrap.handover import Handover

Data = Annotated[
    Path | None, typer.Option(help="Folder for everything that is kept.  [default: anyrig-data]")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  [default: 8000]")]
Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        metavar="NAME[=PATH_OR_URL]",
        help="A project and its test pack: a folder, a repository or a URL; the name alone: one to push to.",
    ),
]


def server(data: Data = None, host: Host = None, port: Port = None, pack: Packs = None) -> int:
    """Run a server alone: one of any number of replicas on one database and one NATS cluster.

    Settings come from DATA/anyrig.toml, then from ANYRIG_* variables, then from these flags.
    """
    from anyrig.bootstrap import up as bootstrap  # noqa: PLC0415 - client commands start without it

    settings = running.server_settings(data, host, port)

    async def work(stop: asyncio.Event) -> "Handover | None":
        return await bootstrap.server_alone(settings, running.packs(pack), stop, output.line)

    return running.server_until_signalled(work)
