"""``anyrig up``: everything on one machine."""

import asyncio
from typing import Annotated

import typer

from anyrig.cli import output, running
from anyrig.cli.commands.server import Data, Host, Packs, Port

Slots = Annotated[
    int | None, typer.Option(min=1, max=256, help="Nodes the agent offers.  [default: one a core]")
]


def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    pack: Packs = None,
    agent: Annotated[bool, typer.Option("--agent/--no-agent", help="Run an agent here too.")] = True,
    slots: Slots = None,
) -> int:
    """Run server, message bus, database and an agent on this machine.

    The first start prints the token of the user admin and keeps it in DATA/admin.token.

    Example: anyrig up --pack tv=./my-test-pack
    """
    from anyrig.bootstrap import up as bootstrap  # noqa: PLC0415 - client commands start without it

    settings = running.server_settings(data, host, port)
    offered = running.default_slots(slots) if agent else 0

    async def work(stop: asyncio.Event) -> None:
        await bootstrap.up(settings, running.packs(pack), offered, stop, output.line)

    return running.until_signalled(work)
