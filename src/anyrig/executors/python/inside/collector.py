"""The process that imports a test file with pytest and forks a child for each test."""

import gc
import os
import select
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from socket import socket
from types import ModuleType
from typing import Any, NoReturn

import pytest

from anyrig.executors.descendants import children, die_with
from anyrig.executors.python.inside import device
from anyrig.executors.python.inside.child import (
    Pipes,
    begin,
    configure,
    has_asked,
    leave,
    on_sigterm,
    settle_in,
    show_what_happens,
    tell,
)
from anyrig.executors.python.inside.messages import Message, receive, send
from anyrig.executors.python.inside.pages import Pages, join
from anyrig.executors.python.inside.pictures import save_pictures
from anyrig.executors.python.inside.recorder import Recorder
from anyrig.executors.python.inside.streams import Console


def main(link: socket, order: Message, request: Message, pipes: Pipes) -> NoReturn:
    """Collect the file, then serve the keeper; the process is a fork of the keeper.

    ``order``: ``pack``, ``file`` and ``arguments`` for pytest. ``request``: the test to run first.
    """
    console = Console()
    _settle_in(link, order, request, pipes, console)
    collector = Collector(link, order, request, pipes, console)
    recorder = Recorder(order["pack"], console)
    with suppress(BaseException):  # what it is has been noted, or a test has not reported as it should
        pytest.main(_arguments(order), plugins=[collector, recorder])
    if os.getpid() == collector.pid:
        finding = recorder.overall(collector.request["test"])
        save_pictures(collector.request["pictures"], finding.screenshot)
        tell(finding, collector.pipes, console, began=recorder.ran > 0)
        collector.pages.learn()
        leave()
    os._exit(0)  # a fork that a test made and did not end


def _settle_in(link: socket, order: Message, request: Message, pipes: Pipes, console: Console) -> None:
    os.setsid()
    die_with(order["keeper"])
    _close_all_but(0, 1, 2, link.fileno(), *pipes.all())
    _offer_to_the_oom_killer()
    pipes.use(console, request["offset"])
    show_what_happens(console)
    on_sigterm()
    configure(request)
    device.install(request, importing=True)
    vars(sys.modules["stbt_core"])["TEST_PACK_ROOT"] = order["pack"]
    os.chdir(request["folder"])  # pytest makes names in its arguments absolute when it starts
    sys.argv = [order["file"]]
    sys.dont_write_bytecode = True  # the checkout is not ours to write to
    sys.modules["__main__"] = ModuleType("__main__")


def _close_all_but(*kept: int) -> None:
    """What the keeper has open is no business of tests."""
    for fd in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if fd not in kept:
            with suppress(OSError):  # the listing itself
                os.close(fd)


def _offer_to_the_oom_killer() -> None:
    """When memory is short, the test goes, not the agent."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")


def _arguments(order: Message) -> list[str]:
    """For pytest. What tests print is not captured: it is their log."""
    pack = order["pack"]
    ours = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "--capture=no"]
    return [
        *ours,
        f"--rootdir={pack}",
        f"--confcutdir={pack}",
        *order["arguments"],
        f"{pack}/{order['file']}",
    ]


class Collector:
    """The pytest plugin that forks in the middle of a session: each child goes on with a test of its own."""

    def __init__(
        self, link: socket, order: Message, request: Message, pipes: Pipes, console: Console
    ) -> None:
        self.pipes = pipes
        self.pages = Pages()
        self.pid = os.getpid()
        self._joined = False
        self._link = link
        self._order = order
        self.request = request
        self._console = console

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Pytest's own report goes nowhere: the log is the test's, and the recorder says what matters."""
        config.get_terminal_writer()._file = open(os.devnull, "w")  # noqa: PTH123, SIM115, SLF001 - for ever

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Everything is collected. Go on in each process that is to run a test, with only that test left."""
        alone = self._is_alone()
        device.install(self.request)  # and so let go of the connection that the import may have made
        if not alone:
            self._serve()
        session.items = [item for item in session.items if _is_named(item.nodeid, self.request["test"])]
        try:
            return (yield)
        finally:
            Path(self.request["folder"]).mkdir(exist_ok=True)  # pytest goes there at its end

    def _is_alone(self) -> bool:
        """Whether an import has started threads or processes, which no child would have. Tell the keeper.

        Then this process runs its one test itself.
        """
        alone = len(list(Path("/proc/self/task").iterdir())) > 1 or bool(children(os.getpid()))
        send(self._link, {"collected": True, "alone": alone, "configured": has_asked()})
        return alone

    def _serve(self) -> None:
        """Fork children as the keeper asks for them; returns in each child once it has a test to run."""
        self._console.end()
        self.pipes.close()
        gc.collect()
        gc.freeze()  # so that the collector of garbage does not copy all of it in each child
        while True:
            message, fds = receive(self._link)
            if message is None:
                os._exit(0)
            if "fork" in message and self._fork(socket(fileno=fds[0])):
                return
            if "reap" in message:
                self._reap(message["reap"])

    def _reap(self, child: int) -> None:
        _, status = os.waitpid(child, 0)
        send(self._link, {"status": os.waitstatus_to_exitcode(status)})
        if not self._joined:
            join()
            self._joined = True

    def _fork(self, link: socket) -> bool:
        """True in the child, which by then has its test."""
        pid = os.fork()
        if pid:
            link.close()
            send(self._link, {"forked": pid})
            return False
        os.setsid()
        die_with(self.pid)
        self.pid = os.getpid()
        self._link.close()
        settle_in()
        self.pages.make_ready(until=lambda: bool(select.select([link], [], [], 0)[0]))
        request, fds = receive(link)
        if request is None:
            os._exit(0)
        link.close()
        self.request, self.pipes = request, Pipes(fds)
        begin(request, self.pipes, self._console)
        return True


def _is_named(nodeid: str, name: str) -> bool:
    """A name stands for itself, for all parameter sets of a function, and for all tests of a class."""
    return nodeid == name or nodeid.startswith((f"{name}[", f"{name}::"))
