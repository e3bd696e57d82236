"""Networks, and what addresses are in them."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from anyrig.core.errors import BadField

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]

_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_MAPPED_BITS = 96
"""So many bits stand before an IPv4 address that is mapped into IPv6 (RFC 4291, 2.5.5.2)."""


def networks(texts: Iterable[str], field: str = "networks") -> Networks:
    """Networks (``192.0.2.0/24``, ``2001:db8::/32``) and single addresses.

    Raises:
        BadField: One is neither; ``field`` is what the author of the setting calls it.
    """
    return tuple(_network(text, field) for text in texts)


def _network(text: object, field: str) -> Network:
    try:
        network = ip_network(str(text).strip(), strict=False)
    except ValueError:
        reason = f"'{str(text)[:60]}' is not an IP address or a network such as 192.0.2.0/24"
        raise BadField(field=field, reason=reason) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def address(text: str) -> Address | None:
    """An IP address, with or without a port; an IPv4 address that is mapped into IPv6 is itself again."""
    text = text.strip()
    if found := _PORT.fullmatch(text):
        text = found[1] or found[2] or ""
    try:
        known = ip_address(text)
    except ValueError:
        return None
    return (isinstance(known, IPv6Address) and known.ipv4_mapped) or known


def within(text: str, trusted: Networks) -> bool:
    """Whether the address is in one of the networks; what is no address is in none."""
    known = address(text)
    return known is not None and any(known in network for network in trusted)
