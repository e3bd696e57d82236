"""The process that has imported what is slow to import; keepers are forked from it."""

import gc
import importlib
import os
import select
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import NoReturn

from anyrig.executors.descendants import adopt_orphans, children, kill_descendants, signal_all
from anyrig.executors.python.inside import fallback, keeper
from anyrig.executors.python.inside.messages import Message, receive

IDLE = 600
"""Seconds without work after which a process of ours ends by itself."""
_SLOW = ("numpy.random", "cv2", "lxml.etree", "stbt_core", "pytest")


def main(folder: str) -> NoReturn:
    """Serve the agent on the socket that is our standard input, until it is gone.

    ``folder``: ours to write to; removed in the end.
    """
    agent = socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    adopt_orphans()
    _warm_up()
    scratch = tempfile.mkdtemp(prefix="anyrig-")
    _serve(agent, scratch)
    kill_descendants()
    for ours in (scratch, folder):
        shutil.rmtree(ours, ignore_errors=True)
    os._exit(0)


def _warm_up() -> None:
    """Import what tests need, with no thread left and nothing of ours to be seen by them."""
    limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    os.environ.update(limits)
    for name in _SLOW:
        importlib.import_module(name)
    for plugin in importlib.import_module("_pytest.config").default_plugins:
        importlib.import_module(f"_pytest.{plugin}")
    importlib.import_module("cv2").setNumThreads(0)
    fallback.offer()
    for name in limits:
        del os.environ[name]
    for name in [name for name in sys.modules if name.partition(".")[0] == "anyrig"]:
        del sys.modules[name]
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("A module of the base has started a thread, which no fork would have")
    gc.collect()
    gc.freeze()


def _serve(agent: socket, scratch: str) -> None:
    """Fork a keeper for each request; wait for those that end, and kill what a lost keeper leaves behind."""
    keepers: set[int] = set()
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(agent, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poll.poll(IDLE * 1000)]
        if not ready and not keepers:
            return
        if wake in ready:
            os.read(wake, 4096)
        keepers -= _ended(keepers)
        if agent.fileno() in ready:
            order, fds = receive(agent)
            if order is None:
                return
            keepers.add(_fork(agent, {**order, "scratch": scratch}, fds[0]))


def _ended(keepers: set[int]) -> set[int]:
    """Wait for whoever has ended. Other children than keepers are orphans of one that was killed: they go."""
    ended = set()
    with suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            ended.add(pid)
    signal_all(set(children(os.getpid())) - keepers, signal.SIGKILL)
    return ended


def _fork(agent: socket, order: Message, fd: int) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if not pid:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        agent.close()
        keeper.main(socket(fileno=fd), order, zygote)
    os.close(fd)
    return pid
