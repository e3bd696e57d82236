"""Runs actions on other machines, over SSH.

Imported by ``places.py`` when it is needed, for that takes long.
"""

import asyncio
import secrets
import shlex
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from logging import WARNING
from typing import Any, TypeVar

import asyncssh

from anyrig.core.build_records import Ended
from anyrig.core.build_spec import BuildSpec
from anyrig.core.extensions.ssh_exec import Host, Ssh
from anyrig.core.messages import TaskSpec
from anyrig.core.placeholders import CommandLine
from anyrig.executors.base import Stop, Workspace
from anyrig.executors.build.environment import added, entering, exports
from anyrig.executors.build.printed import Printed
from anyrig.executors.build.ran import Place, Ran, by_code, not_run, stopped, timed_out
from anyrig.executors.build.ssh_connections import CONNECT_SECONDS, Connections, shown
from anyrig.executors.build.voice import Voice

_LINGER = 2.0
"""Seconds for the last output to come, once an action's shell has ended: what it left running may hold on."""
_SLACK = 15.0
"""Seconds beyond the grace time until a host that is to end an action is left alone."""
_MARK = "ANYRIG_ACTION"
_READ = 'eval "$(cat)"'
"""What is to be run comes in at standard input: others on the host could read arguments."""
_END = """mark=$1 tries=$2
left() { grep -l "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3; }
signal() { all=$(left); [ -n "$all" ] && { kill -s "$1" $all 2>/dev/null; true; }; }
pause() { sleep 0.1 || sleep 1; tries=$((tries - 1)); }
signal TERM
while [ "$tries" -gt 0 ] && [ -n "$(left)" ]; do pause; done
tries=50
while [ "$tries" -gt 0 ] && signal KILL; do pause; done
"""
"""Ends every process of an action, those in sessions of their own too: they have all inherited the mark."""
T = TypeVar("T")


@asynccontextmanager
async def on_hosts(
    wanted: Ssh, build: BuildSpec, spec: TaskSpec, workspace: Workspace, voice: Voice, stop: Stop
) -> AsyncIterator[Place]:
    """The hosts; connections are made when they are needed, and kept until the end."""
    asyncssh.set_log_level(WARNING)  # it would log commands
    async with Connections(wanted, workspace.cache) as connections:
        yield _Hosts(wanted.hosts, build, spec, connections, voice, stop)


class _Hosts:
    """Every action runs on every host, one after the other."""

    def __init__(
        self,
        hosts: tuple[Host, ...],
        build: BuildSpec,
        spec: TaskSpec,
        connections: Connections,
        voice: Voice,
        stop: Stop,
    ) -> None:
        self._hosts = hosts
        self._connections = connections
        self._voice = voice
        self._stop = stop
        self._seconds = build.exec_timeout
        self._before = exports(added(build, spec)) + entering(build.work_dir)

    async def act(self, line: CommandLine, printed: Printed) -> Ran:
        """See ``Place``. One that fails on a host is still run on the others."""
        ran = {}
        for host in self._hosts:
            if self._stop.is_set():
                return stopped(self._stop.reason)
            if len(self._hosts) > 1:
                self._voice.log.note(f"(On {shown(host)}:)")
            ran[host] = await self._act_on(host, line, printed)
            printed.end()
        return _together(ran)

    async def _act_on(self, host: Host, line: CommandLine, printed: Printed) -> Ran:
        try:
            connection = await within(self._connections.to(host), self._stop, CONNECT_SECONDS)
            if connection is None:
                return self._cut_short(not_run(f"no connection within {CONNECT_SECONDS:g} s"))
            running = _run(connection, self._before + line.text, printed, self._stop)
            ran = await within(running, self._stop, self._seconds)
        except* (OSError, asyncssh.Error, ValueError) as group:
            ran = not_run(_words(group))
        return ran or self._cut_short(timed_out(line, self._seconds))

    def _cut_short(self, otherwise: Ran) -> Ran:
        return stopped(self._stop.reason) if self._stop.is_set() else otherwise


def _together(ran: dict[Host, Ran]) -> Ran:
    """One for all hosts."""
    every = list(ran.values())
    failed = {host: each for host, each in ran.items() if each.why}
    if stop := next((each for each in every if each.stopped), None):
        return stop
    if not failed:
        return Ran()
    ends = {each.ended for each in failed.values()}
    return Ran(
        "; ".join(f"{shown(host)}: {each.why}" for host, each in failed.items()),
        Ended.FAILED if Ended.FAILED in ends else Ended.BROKEN,
        started=any(each.started for each in every),
        timed_out=any(each.timed_out for each in every),
    )


def _words(group: BaseExceptionGroup[Exception]) -> str:
    error = group.exceptions[0]
    return str(error) or type(error).__name__


async def within(work: Coroutine[Any, Any, T], stop: Stop, seconds: float | None) -> T | None:
    """What the work gives; None when it was cancelled: it took longer, or there was a stop.

    Raises:
        ExceptionGroup: With what the work raised.
    """
    async with asyncio.TaskGroup() as group:
        running = group.create_task(work)
        stopping = group.create_task(stop.wait())
        await asyncio.wait({running, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        running.cancel()
    return None if running.cancelled() else running.result()


class _Session(asyncssh.SSHClientSession[bytes]):
    """An action on a host."""

    def __init__(self, printed: Printed) -> None:
        self._printed = printed
        self.code: int | None = None
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        error = datatype == asyncssh.EXTENDED_DATA_STDERR
        (self._printed.error if error else self._printed.output).hear(data)

    def exit_status_received(self, status: int) -> None:
        self.code = status
        self.exited.set()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: ARG002
        self.code = -_number(signal)
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its code tells
        self.exited.set()
        self.closed.set()


def _number(name: str) -> int:
    """Of a signal (RFC 4254, 6.10)."""
    return signal.Signals.__members__.get(f"SIG{name}", signal.SIGKILL)


async def _run(connection: asyncssh.SSHClientConnection, script: str, printed: Printed, stop: Stop) -> Ran:
    """Run a script; cancelled, it ends all its processes."""
    mark = secrets.token_hex(16)
    command = f"exec env {_MARK}={mark} /bin/sh -c {shlex.quote(_READ)}"
    session = _Session(printed)
    channel, _ = await connection.create_session(lambda: session, command, encoding=None, request_pty=False)
    try:
        channel.write(script.encode())
        channel.write_eof()
        await session.exited.wait()
    except asyncio.CancelledError:
        with suppress(OSError, asyncssh.Error):
            async with asyncio.timeout(stop.grace + _SLACK):
                await _end(connection, channel, session, mark, stop.grace)
        raise
    else:
        return await _ended(session)
    finally:
        channel.close()


async def _ended(session: _Session) -> Ran:
    """How it ended, when its output is there too; now it is too late to cut it short."""
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(_LINGER):
            await session.closed.wait()
    return Ran("the connection was lost", Ended.BROKEN) if session.code is None else by_code(session.code)


async def _end(
    connection: asyncssh.SSHClientConnection,
    channel: asyncssh.SSHClientChannel[bytes],
    session: _Session,
    mark: str,
    grace: float,
) -> None:
    """By signals to its process group, and to whoever has its mark: on Linux, that is."""
    channel.send_signal("TERM")
    words = shlex.join(["/bin/sh", "-c", _END, "end", f"{_MARK}={mark}", str(round(10 * grace))])
    await connection.run(f"exec {words}", request_pty=False)
    channel.send_signal("KILL")
    await session.exited.wait()
