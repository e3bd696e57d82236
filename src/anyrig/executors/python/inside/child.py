"""A process as a test finds it: streams, folder, signals, configuration; and its good end."""

import atexit
import faulthandler
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from anyrig.executors.python.inside import device
from anyrig.executors.python.inside.descriptors import moved_up
from anyrig.executors.python.inside.messages import Message
from anyrig.executors.python.inside.streams import Console
from anyrig.executors.python.inside.verdicts import Finding, Interrupted


class Pipes:
    """The writing ends of a test's pipes to its keeper."""

    def __init__(self, fds: list[int]) -> None:
        self.lines, self.out, self.err, self.verdict = fds

    def use(self, console: Console, offset: int) -> None:
        """Write to them from now on, also through file descriptors 1 and 2, and read nothing."""
        null = os.open(os.devnull, os.O_RDWR)
        for ours, theirs in ((null, 0), (self.out, 1), (self.err, 2)):
            os.dup2(ours, theirs)
        os.close(null)
        self.lines, self.out, self.err, self.verdict = map(moved_up, self.all())
        console.channel.attach(self.lines, (self.out, self.err), offset)

    def close(self) -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (1, 2):
            os.dup2(null, fd)
        for fd in (*self.all(), null):
            os.close(fd)

    def all(self) -> tuple[int, ...]:
        return self.lines, self.out, self.err, self.verdict


def configure(request: Message) -> None:
    """Let stbt_core read this test's configuration; it would keep what it has read before."""
    os.environ["STBT_CONFIG_FILE"] = request["config"]
    vars(sys.modules["_stbt.config"])["_config"] = None  # stbt_core offers no other way
    device.install(request)


def has_asked() -> bool:
    """Whether this process has read the test's configuration, or used its device."""
    return vars(sys.modules["_stbt.config"])["_config"] is not None or device.installed().used


def settle_in() -> None:
    """Make this process, just forked from a collector, one that waits for a test."""
    atexit._clear()  # noqa: SLF001 - what the collector registered is not for its children to do
    sys.modules["numpy"].random.seed()  # as Python's own generator does by itself
    on_sigterm()


def begin(request: Message, pipes: Pipes, console: Console) -> None:
    """Make it the process of this test."""
    pipes.use(console, request["offset"])
    os.chdir(request["folder"])
    configure(request)


def on_sigterm() -> None:
    """Let SIGTERM raise in this process; in those that it forks it does what it always does."""
    me = os.getpid()

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if os.getpid() == me:
            raise Interrupted("The test was asked to end (SIGTERM)")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, interrupt)


def show_what_happens(console: Console) -> None:
    """Prints, log records and crashes of the interpreter go to the log as they happen."""
    sys.stdout, sys.stderr = console.out, console.err
    faulthandler.enable(file=2)
    handler = logging.StreamHandler(console.err)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    logging.getLogger().addHandler(handler)


def tell(finding: Finding, pipes: Pipes, console: Console, *, began: bool) -> None:
    """Tell the keeper what the test showed; ``began``: at least its set-up was tried."""
    console.end()
    verdict = {
        "verdict": finding.verdict,
        "reason": finding.reason,
        "traceback": finding.traceback,
        "began": began,
    }
    with suppress(OSError), os.fdopen(pipes.verdict, "wb") as file:
        file.write(json.dumps(verdict).encode())


def leave() -> NoReturn:
    """End this process as Python would, but at once."""
    with suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 - os._exit does not call them, but a test may rely on it
    os._exit(0)
