"""Runs the actions on other machines, over SSH."""

from dataclasses import dataclass

from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, flag, text_or_none, texts

NAMES = ("ssh_exec",)
_PORT = 22
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Host:
    """Where an SSH server listens."""

    name: str
    port: int = _PORT


@dataclass(frozen=True, slots=True)
class Ssh:
    """Every action runs on every host, one after the other."""

    hosts: tuple[Host, ...]
    username: str | None
    """None: as the agent's own configuration of SSH says."""
    password: str | None
    keys: tuple[str, ...]
    """Files of private keys, on the agent's machine."""
    auto_add_unknown_hosts: bool
    """Take the key of a host that is not known yet, and know it from then on."""


def read(given: Options, _listen_point: str) -> Ssh:
    """See ``ExtensionModule``."""
    hosts = tuple(map(_host, texts(given, "hosts")))
    if not hosts:
        raise BadExtension(reason="hosts is missing")
    return Ssh(
        hosts=hosts,
        username=text_or_none(given, "username"),
        password=text_or_none(given, "password"),
        keys=texts(given, "keys"),
        auto_add_unknown_hosts=flag(given, "auto_add_unknown_hosts"),
    )


def _host(given: str) -> Host:
    """``host`` or ``host:port``."""
    name, colon, port = given.rpartition(":")
    if not colon:
        return Host(given)
    if not name or not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
        raise BadExtension(reason=f"'{given[:60]}' is not HOST or HOST:PORT")
    return Host(name, int(port))
