"""What a server stands on, there in no time: its address and its bus. Loading the rest takes far longer.

Whoever comes to the address before the rest is loaded is answered then: the system keeps him waiting.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from anyrig.bus.endpoint import Endpoint
from anyrig.bus.server import NatsServer
from anyrig.core.errors import Unavailable
from anyrig.settings import ServerSettings

_BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Ground:
    """Both."""

    listening: socket.socket
    endpoint: Endpoint

    @property
    def url(self) -> str:
        """``http://host:port``."""
        host, port = self.listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def laid(settings: ServerSettings, kept: int | None = None) -> AsyncIterator[Ground]:
    """The ground for a server with these settings; ``kept`` is a descriptor that listens already.

    Raises:
        Conflict: Another server uses the data directory.
        Unavailable: The address cannot be had, or NATS does not start.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(_listening(settings.host, settings.port, kept)) as listening:
        if settings.nats_url:
            issuer, websocket = settings.nats_issuer_seed, settings.nats_websocket_url
            yield Ground(listening, Endpoint.parse(settings.nats_url, issuer, websocket))
            return
        async with NatsServer(settings.data / "nats") as server:
            yield Ground(listening, server.endpoint)


def _listening(host: str, port: int, kept: int | None) -> socket.socket:
    if kept is not None:
        return socket.socket(fileno=kept)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise Unavailable(what=f"The address {host}:{port}", reason=error.strerror or str(error)) from error
    return listening
