"""``anyrig agent``: serves the nodes of a lab machine."""

import asyncio
import socket
from pathlib import Path
from typing import Annotated

import typer

from anyrig.cli import running

Server = Annotated[str, typer.Option(envvar="ANYRIG_URL", help="The server's address.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="ANYRIG_TOKEN", help="An operator's token: needed only the first time."),
]
Name = Annotated[str | None, typer.Option(help="The agent's name.  [default: the host's name]")]
Data = Annotated[Path, typer.Option(help="Folder for journals, checkouts and environments.")]
Config = Annotated[
    Path | None, typer.Option(help="File that describes nodes with devices.  [default: DATA/anyrig.toml]")
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        help="A node with a device, as NAME=KIND:OPTION: tv=browser:URL, tv=x11:COMMAND, tv=video:INPUT, "
        "tv=android:SERIAL; may be given many times.",
    ),
]
Slots = Annotated[
    int | None,
    typer.Option(min=0, max=256, help="How many nodes without a device to offer.  [default: one a core]"),
]
Nodes = Annotated[
    list[str] | None, typer.Option("--node", help="Names of these nodes, instead of NAME-1, NAME-2 …")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="A label of every node; may be given many times.")
]
LogLevel = Annotated[str, typer.Option(envvar="ANYRIG_LOG_LEVEL", help="From debug to critical.")]
LogJson = Annotated[
    bool, typer.Option("--log-json", envvar="ANYRIG_LOG_JSON", help="One JSON object a line.")
]
OnePort = Annotated[
    bool, typer.Option("--one-port", help="Use only the server's HTTP port, even on one machine.")
]
KeepDays = Annotated[
    float,
    typer.Option(
        envvar="ANYRIG_KEEP_DAYS", min=0, help="Remove packs' environments not used for so many days."
    ),
]
KeepFree = Annotated[
    float,
    typer.Option(
        envvar="ANYRIG_KEEP_FREE",
        min=0,
        help="Remove those used longest ago while fewer gigabytes of the disk are free.",
    ),
]


def agent(
    server: Server = "http://127.0.0.1:8000",
    token: Token = None,
    name: Name = None,
    data: Data = Path("anyrig-agent"),
    config: Config = None,
    device: Devices = None,
    slots: Slots = None,
    node: Nodes = None,
    label: Labels = None,
    log_level: LogLevel = "info",
    log_json: LogJson = False,
    one_port: OnePort = False,
    keep_days: KeepDays = 30.0,
    keep_free: KeepFree = 2.0,
) -> int:
    """Serve the nodes of this machine. The agent only dials out, and waits for a server that is away.

    Example: anyrig agent --server http://lab:8000 --token TOKEN --name rack3 --label london
    """
    from anyrig.bootstrap import agent as bootstrap  # noqa: PLC0415 - client commands start without it
    from anyrig.executors.environments import Keep  # noqa: PLC0415 - as above

    running.start_logging(log_level, as_json=log_json)
    folder = data.absolute()  # programs that we start work in other folders than ours
    called = name or running.plain_name(socket.gethostname())
    plain = node or [f"{called}-{n}" for n in range(1, running.default_slots(slots) + 1)]

    async def work(stop: asyncio.Event) -> None:
        nodes = bootstrap.all_served(plain, label or (), config or folder / "anyrig.toml", device or ())
        identity = await bootstrap.identity(folder, server, called, token)
        keep = Keep(keep_days, round(keep_free * 1e9))
        await bootstrap.serve_nodes(server, identity, folder, nodes, one_port, keep, stop)

    return running.until_signalled(work)
