"""What the commands share that run until they are told to end."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyrig.cli import exits, output
from anyrig.core.errors import AnyrigError

if TYPE_CHECKING:
    from anyrig.bootstrap.handover import Handover
    from anyrig.settings import ServerSettings


def server_until_signalled(work: Callable[[asyncio.Event], Awaitable["Handover | None"]]) -> int:
    """As ``until_signalled``; starts the program anew if somebody has asked the server for it."""
    from anyrig.bootstrap.handover import start_again  # noqa: PLC0415 - client commands need none

    left: list[Handover] = []

    async def noting(stop: asyncio.Event) -> None:
        found = await work(stop)
        if found is not None:
            left.append(found)

    code = until_signalled(noting)
    if left:
        start_again(left[0])
    return code


def until_signalled(work: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Run ``work`` with an event that SIGINT and SIGTERM set; returns the exit code."""
    import uvloop  # noqa: PLC0415 - only servers and agents need it

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(stop)

    refused: AnyrigError | None = None
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except* AnyrigError as group:
        refused = _first(group)
    if refused is None:
        return exits.OK
    output.error(str(refused))
    return exits.exit_code(refused)


def _first(group: BaseExceptionGroup[AnyrigError]) -> AnyrigError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def server_settings(data: Path | None, host: str | None, port: int | None) -> "ServerSettings":
    """The settings with these flags on top; starts logging by them."""
    from anyrig.settings import read  # noqa: PLC0415 - client commands need none

    flags: dict[str, Any] = {"data": data, "host": host, "port": port}
    settings = read(**{name: value for name, value in flags.items() if value is not None})
    start_logging(settings.log_level, as_json=settings.log_json)
    return settings


def start_logging(level: str, *, as_json: bool = False) -> None:
    from anyrig.bootstrap import logging  # noqa: PLC0415 - client commands log nothing

    logging.start(level, as_json=as_json)


def packs(given: Sequence[str] | None) -> list[tuple[str, str | None]]:
    """``NAME=SOURCE`` or ``NAME`` -> (name, source or None)."""
    pairs = [text.partition("=") for text in given or ()]
    return [(name, source or None) for name, _, source in pairs]


def default_slots(slots: int | None) -> int:
    return slots if slots is not None else os.cpu_count() or 1


def plain_name(text: str) -> str:
    """``text`` with whatever a name may not have turned into ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text.partition(".")[0]).strip("-_")[:50] or "agent"
