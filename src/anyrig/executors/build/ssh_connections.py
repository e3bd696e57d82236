"""Connections to SSH servers, and the keys that these are known by."""

import asyncio
from asyncio import to_thread
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import asyncssh

from anyrig.core.extensions.ssh_exec import Host, Ssh

CONNECT_SECONDS = 30.0
_KEEP_ALIVE = 15.0
"""Seconds of silence after which a host is asked whether it is there; after three it is not."""
_CLOSE = 5.0
_PORT = 22
_OURS = Path("ssh", "known_hosts")
"""In the agent's cache: the hosts that were taken on trust."""
_SYSTEM = Path("/etc/ssh/ssh_known_hosts")


def shown(host: Host) -> str:
    return host.name if host.port == _PORT else f"{host.name}:{host.port}"


class Connections:
    """One for each host, made when it is first wanted, and again when it was lost."""

    def __init__(self, wanted: Ssh, cache: Path) -> None:
        self._wanted = wanted
        self._ours = cache / _OURS
        self._open: dict[Host, asyncssh.SSHClientConnection] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()
            with suppress(OSError, asyncssh.Error):
                async with asyncio.timeout(_CLOSE):
                    await connection.wait_closed()

    async def to(self, host: Host) -> asyncssh.SSHClientConnection:
        """A connection that is open.

        Raises:
            OSError, asyncssh.Error, ValueError: It cannot be made; the host is not the one that is known by
                that name; a key or the user's configuration of SSH cannot be read.
        """
        connection = self._open.get(host)
        if connection is None or connection.is_closed():
            connection = self._open[host] = await self._connect(host)
        return connection

    async def _connect(self, host: Host) -> asyncssh.SSHClientConnection:
        known = await to_thread(self._known)
        client = _Client(known, trusting=self._wanted.auto_add_unknown_hosts)
        connection = await asyncssh.connect(
            host.name,
            client_factory=lambda: client,
            known_hosts=known,
            keepalive_interval=_KEEP_ALIVE,
            **self._options(host),
        )
        if client.is_new:
            await to_thread(self._remember, host, connection)
        return connection

    def _options(self, host: Host) -> dict[str, Any]:
        """What is not given is as the user's configuration of SSH has it."""
        wanted = self._wanted
        options = {
            "port": None if host.port == _PORT else host.port,
            "username": wanted.username,
            "password": wanted.password,
            "client_keys": [Path(key).expanduser() for key in wanted.keys],
        }
        return {name: value for name, value in options.items() if value}

    def _known(self) -> asyncssh.SSHKnownHosts:
        files = (Path.home() / ".ssh" / "known_hosts", _SYSTEM, self._ours)
        return asyncssh.read_known_hosts([str(file) for file in files if file.is_file()])

    def _remember(self, host: Host, connection: asyncssh.SSHClientConnection) -> None:
        key = connection.get_server_host_key()
        if key is not None:
            name = host.name if host.port == _PORT else f"[{host.name}]:{host.port}"
            words = key.export_public_key("openssh").decode().split()[:2]
            self._ours.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._ours.open("a") as file:
                file.write(f"{name} {' '.join(words)}\n")


class _Client(asyncssh.SSHClient):
    """Asked about a key that is not among those of the host."""

    def __init__(self, known: asyncssh.SSHKnownHosts, *, trusting: bool) -> None:
        self._known = known
        self._trusting = trusting
        self.is_new = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """Whether to take it: never in place of another key."""
        keys, *_ = asyncssh.match_known_hosts(self._known, host, addr, None if port == _PORT else port)
        self.is_new = self._trusting and not keys
        return self.is_new
