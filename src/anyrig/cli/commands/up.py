"""``anyrig up``: everything on one machine."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from anyrig.cli import output, running
from anyrig.cli.commands.agent import Devices
from anyrig.cli.commands.server import Data, Host, Packs, Port

if TYPE_CHECKING:
    from anyrig.bootstrap.handover import Handover

Slots = Annotated[
    int | None,
    typer.Option(min=0, max=256, help="Nodes without a device that the agent offers.  [default: one a core]"),
]


def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    pack: Packs = None,
    agent: Annotated[bool, typer.Option("--agent/--no-agent", help="Run an agent here too.")] = True,
    slots: Slots = None,
    device: Devices = None,
) -> int:
    """Run server, message bus, database and an agent on this machine.

    The first start prints the token of the user admin and keeps it in DATA/admin.token.

    Example: anyrig up --pack tv=./my-test-pack --device tv-1=browser:https://example.com
    """
    from anyrig.bootstrap import up as bootstrap  # noqa: PLC0415 - client commands start without it

    settings = running.server_settings(data, host, port)
    local = bootstrap.LocalNodes(running.default_slots(slots), device or ()) if agent else None

    async def work(stop: asyncio.Event) -> "Handover | None":
        return await bootstrap.up(settings, running.packs(pack), local, stop, output.line)

    return running.server_until_signalled(work)
