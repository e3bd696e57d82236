"""The process that looks after the tests of one file: their logs, limits and end.

It runs no code of the pack.
"""

import os
import select
import shutil
import tempfile
import traceback
from pathlib import Path
from socket import socket
from typing import NoReturn

from anyrig.executors.descendants import adopt_orphans, kill_descendants
from anyrig.executors.python.inside.crew import Crew
from anyrig.executors.python.inside.execution import Deserted, Execution
from anyrig.executors.python.inside.messages import Message, receive, send

_QUIET = 0.02
"""Seconds without a test after which the next child is made: until then the last result is on its way. The
next trigger takes longer than that to come here, and finds its child made."""
_IDLE = 600
"""Seconds without a test after which a keeper ends by itself."""


def main(agent: socket, order: Message, zygote: int) -> NoReturn:
    """Run tests as the agent asks for them, until it, or the zygote, is gone.

    ``order``: ``pack`` (folder), ``file`` (in the pack), ``arguments`` (for pytest), ``folder``: where every
    test finds itself, made afresh for each, and ``scratch``: above the folder for their temporary files.
    """
    os.setsid()
    adopt_orphans()
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(dir=order["scratch"], prefix="")
    try:
        Keeper(agent, order, os.pidfd_open(zygote)).serve()
    except Deserted:
        pass
    except Exception:  # noqa: BLE001 - the agent finds it in the zygote's log
        traceback.print_exc()
    finally:
        kill_descendants()
        for folder in (os.environ["TMPDIR"], order["folder"]):
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


class Keeper:
    """What is kept from one test to the next."""

    def __init__(self, agent: socket, order: Message, zygote: int) -> None:
        self.agent = agent
        self.order = order
        self.zygote = zygote
        self.crew: Crew | None = None

    def serve(self) -> None:
        self._tidy_up()
        while request := self._next_request():
            result = Execution(self, request).run()
            result["empty"] = _is_empty(self.order["folder"])
            self._hand_over(request["files"])
            if not send(self.agent, result):
                return
            self._tidy_up()

    def _next_request(self) -> Message | None:
        poll = select.poll()
        poll.register(self.agent, select.POLLIN)
        poll.register(self.zygote, select.POLLIN)
        if self.crew and not poll.poll(_QUIET * 1000):
            self.crew.order_child()
        while poll.poll(_IDLE * 1000) == [(self.agent.fileno(), select.POLLIN)]:
            message, _ = receive(self.agent)
            if message is None or "test" in message:
                return message
        return None

    def _hand_over(self, files: str) -> None:
        """What the test has left in its folder becomes the folder ``files``."""
        folder = Path(self.order["folder"])
        try:
            if folder.is_symlink() or not folder.is_dir():
                folder.unlink()
            shutil.move(folder, files)
        except OSError:  # the test has removed its folder, or put something else there
            Path(files).mkdir(exist_ok=True)

    def _tidy_up(self) -> None:
        """Make the folders for the next test, of the same names: pytest knows them since it collected."""
        for folder in (self.order["folder"], os.environ["TMPDIR"]):
            if not _is_empty(folder):
                shutil.rmtree(folder, ignore_errors=True)
                Path(folder).mkdir(0o700, parents=True)


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False
