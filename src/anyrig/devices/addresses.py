"""Addresses of controls in the network: ``host``, ``host:port``, ``[::1]:port``."""

import os
import re
from urllib.parse import urlsplit

from anyrig.core.errors import Invalid

_HOST = re.compile(r"[\w.:%-]+")


def host_and_port(address: str, port: int) -> tuple[str, int]:
    """``port``: the one that is meant where the address names none.

    Raises:
        Invalid: It is no address of that form.
    """
    try:
        parts = urlsplit(f"//{address}")
        found = parts.hostname, parts.port or port
    except ValueError as error:
        raise Invalid(reason=f"'{address}' is no address: {error}") from error
    host, number = found
    if not host or not _HOST.fullmatch(host) or parts.netloc != address or "@" in address or host[0] == "-":
        raise Invalid(reason=f"'{address}' is no address: host or host:port is")
    return host, number


def words(error: OSError) -> str:
    """Why there is no connection, without the addresses that were tried."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
