"""The process of one device: ``python -m anyrig.devices.process.host``.

Its standard input gets one line, JSON: ``socket`` (a path, in a folder of this process alone) and ``config``
(a ``DeviceConfig``). It writes ``ready`` when it listens, and ends when its standard input does.
"""

import asyncio
import ctypes
import json
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyrig.core.devices import DeviceConfig
from anyrig.devices.process.connection import Connection
from anyrig.devices.process.keys import Keys
from anyrig.devices.process.life import Life
from anyrig.devices.process.pictures import Pictures
from anyrig.devices.process.recording import Recorder
from anyrig.devices.process.requests import Shared
from anyrig.devices.process.ring import Ring
from anyrig.devices.programs.work import first_of

_PR_SET_PDEATHSIG = 1
_BACKLOG = 64


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    parent = os.getppid()
    order = json.loads(_line(sys.stdin.fileno()))
    path = Path(order["socket"])
    asyncio.run(_serve(DeviceConfig(**order["config"]), path))
    if os.getppid() != parent:  # it was killed, and cannot tidy up
        shutil.rmtree(path.parent, ignore_errors=True)


def _line(fd: int) -> bytes:
    """Not a byte more, so that the end of what follows can be waited for."""
    with os.fdopen(fd, "rb", 0, closefd=False) as file:
        return file.readline()


async def _serve(config: DeviceConfig, path: Path) -> None:
    ring = Ring(config.width, config.height, config.fps)
    keys = Keys(config.kind, config.keymap)
    life = Life(config, ring, keys)
    device = Shared(ring, life, keys, Pictures(ring), Recorder(ring))
    with _listening(path) as listener:
        await first_of(life.keep(), _accept(listener, device), _until_told())


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


async def _accept(listener: socket.socket, device: Shared) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        while True:
            sock, _ = await loop.sock_accept(listener)
            group.create_task(Connection(sock, device).serve())


async def _until_told() -> None:
    """SIGTERM, SIGINT, or the end of our parent."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_reader(sys.stdin.fileno(), told.set)
    await told.wait()


if __name__ == "__main__":
    main()
