"""One execution of one test, from the keeper's side."""

import json
import os
import signal
import time
from socket import socket
from typing import Protocol

from anyrig.core.masking import Mask
from anyrig.executors.descendants import descendants, kill_descendants, signal_all
from anyrig.executors.python.inside.crew import Crew, Lost
from anyrig.executors.python.inside.intake import Intake
from anyrig.executors.python.inside.logs import Log
from anyrig.executors.python.inside.messages import LOG, Message, receive
from anyrig.executors.python.inside.verdicts import ERROR, FAIL, PASS
from anyrig.executors.python.inside.watch import Watch

_BLOCK = 1 << 16
_LOOK_AT_FILES = 1.0
"""Seconds between two looks at how much a test has left in its folder."""
_TEXT = 40_000
"""Characters of a reason or a traceback that fit into a message."""


class Deserted(Exception):
    """The agent or the zygote is gone: nobody wants the result."""


class Home(Protocol):
    """What an execution needs of its keeper."""

    agent: socket
    order: Message
    zygote: int
    crew: Crew | None


class Execution:
    """Runs one test to its end, whatever it does.

    ``request``: ``test`` (name), ``config`` (STBT_CONFIG_FILE), ``offset`` (see ``Channel.attach``),
    ``files`` and ``logs`` (folders for what it leaves), ``timeout`` and ``grace`` (seconds), ``max_log`` and
    ``max_files`` (bytes), ``node`` (name), ``device`` (path of its socket) and ``pictures`` (folder) or None,
    ``more`` (whether another test follows at once), ``secrets`` (that must not be seen in its log).
    """

    def __init__(self, home: Home, request: Message) -> None:
        self._home = home
        self._request = {**request, "folder": home.order["folder"]}
        mask = Mask(request["secrets"])
        self._log = Log(request["logs"], request["max_log"], request["offset"], self._live, mask)
        self._watch = Watch()
        self._intake = Intake(self._watch, self._log)
        self._child = 0
        self._handle = -1
        self._over = False
        self._cut = ""

    def run(self) -> Message:
        """The test's verdict, reason and traceback; when it returns, no process of the test is left."""
        self._watch.on(self._home.agent.fileno(), self._hear_agent)
        self._watch.on(self._home.zygote, self._desert)
        self._watch.after(self._request["timeout"], self._time_out)
        self._watch.after(_LOOK_AT_FILES, self._look_at_files)
        try:
            self._start()
            while not self._over:
                self._watch.wait()
            status = self._status()
        except Lost:
            status = None
            self._dismiss_crew()
        self._attend(None)
        self._clear_away()
        self._intake.close()
        return self._result(status)

    def _start(self) -> None:
        start = time.time_ns()
        if self._home.crew and self._is_given(self._home.crew):
            self._log.replay(self._home.crew.preface, start)
            return
        self._home.crew = Crew(self._home.order, self._request, self._intake.ends, self._home.agent)
        self._attend(self._home.crew.pid)
        self._watch.on(self._home.crew.link.fileno(), self._hear_collector)

    def _is_given(self, crew: Crew) -> bool:
        """Give the test to a crew that has waited; it may have come to harm meanwhile."""
        try:
            self._give(crew)
        except Lost:
            self._dismiss_crew()
            return False
        return True

    def _hear_collector(self) -> None:
        """It has imported the file; now a child of it runs the test, unless it has to do so itself."""
        crew = self._home.crew
        assert crew is not None
        self._watch.off(crew.link.fileno())
        if crew.collected() and not crew.alone:
            self._intake.sweep()
            crew.preface = list(self._log.written)
            self._give(crew)

    def _give(self, crew: Crew) -> None:
        self._attend(crew.run(self._request, self._intake.ends))
        self._intake.release()

    def _attend(self, child: int | None) -> None:
        """The process whose end is the end of the test is another one from now on."""
        if self._handle >= 0:
            self._watch.off(self._handle)
            os.close(self._handle)
            self._handle = -1
        if child is not None:
            self._child = child
            self._handle = os.pidfd_open(child)
            self._watch.on(self._handle, self._end)

    def _end(self) -> None:
        self._over = True

    def _desert(self) -> None:
        raise Deserted

    def _hear_agent(self) -> None:
        message, _ = receive(self._home.agent)
        if message is None:
            raise Deserted
        if "stop" in message:
            self._cut_short(message["stop"], message["grace"])

    def _time_out(self) -> None:
        seconds = self._request["timeout"]
        self._cut_short(f"The test took longer than {seconds:g} s (watchdog_timeout) and was stopped")

    def _look_at_files(self) -> None:
        start = time.monotonic()
        size, limit = _size(self._request["folder"]), self._request["max_files"]
        if size > limit:
            self._cut_short(f"The test left more than {limit} bytes in its result directory and was stopped")
        took = time.monotonic() - start
        self._watch.after(max(_LOOK_AT_FILES, 20 * took), self._look_at_files)

    def _cut_short(self, reason: str, grace: float | None = None) -> None:
        """SIGTERM, and SIGKILL after the grace time."""
        if not self._cut:
            self._cut = reason
            signal_all(self._processes(), signal.SIGTERM)
            self._watch.after(self._request["grace"] if grace is None else grace, self._kill)

    def _kill(self) -> None:
        signal_all(self._processes(), signal.SIGKILL)
        self._watch.after(0.1, self._kill)  # there may be new ones

    def _processes(self) -> list[int]:
        """All processes of the test: everything below us but a collector that does not run it itself."""
        crew = self._home.crew
        spared = crew.pid if crew and crew.pid != self._child else None
        return [pid for pid in descendants(os.getpid()) if pid != spared]

    def _status(self) -> int:
        """The test's exit status, negative for a signal."""
        crew = self._home.crew
        if crew and crew.pid != self._child:
            return crew.status(self._child)
        _, status = os.waitpid(self._child, 0)
        self._dismiss_crew()
        return os.waitstatus_to_exitcode(status)

    def _dismiss_crew(self) -> None:
        if self._home.crew:
            self._watch.off(self._home.crew.link.fileno())
            self._home.crew.close()
            self._home.crew = None

    def _clear_away(self) -> None:
        """Kill what the test has left running."""
        crew = self._home.crew
        for pid in kill_descendants(spare=[crew.pid] if crew else ()):
            self._log.say(f"Process {pid} of the test could not be killed")
        if crew and self._request["more"]:
            crew.order_child()

    def _result(self, status: int | None) -> Message:
        finding = _finding(self._intake.verdict) if status == 0 else None
        reason = self._cut or ("" if finding else _ending(status))
        if reason:
            self._log.say(f"ERROR: {self._request['test']}: {reason}")
            story = (finding or {}).get("traceback") or ""
            finding = {"verdict": "error", "reason": reason, "traceback": story, "began": True}
        self._log.end()
        crew = self._home.crew
        return {**(finding or {}), "configured": crew.configured if crew else True}

    def _live(self, data: bytes) -> None:
        try:
            for at in range(0, len(data), _BLOCK):
                self._home.agent.send(LOG + data[at : at + _BLOCK])
        except (BrokenPipeError, ConnectionResetError):
            raise Deserted from None


def _finding(verdict: bytes) -> Message | None:
    """What the test says it has shown; None when that makes no sense, because anyone can write to a pipe."""
    try:
        finding = json.loads(verdict)
        known = {key: finding[key] for key in ("verdict", "reason", "traceback", "began")}
        short = len(known["reason"] or "") < _TEXT and len(known["traceback"] or "") < _TEXT
        return known if short and known["verdict"] in {PASS, FAIL, ERROR} else None
    except (ValueError, TypeError, KeyError):
        return None


def _ending(status: int | None) -> str:
    """Why there is no verdict."""
    if status is None:
        return "The process that had imported the test was killed"
    if status < 0:
        name = next((known.name for known in signal.Signals if known == -status), "a real-time signal")
        return f"The test was killed by signal {-status} ({name})"
    return f"The test ended its process with exit status {status} before it was over"


def _size(folder: str) -> int:
    """Bytes of all files below a folder that may change meanwhile."""
    total = 0
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # it is gone, or not for us to read
    return total
