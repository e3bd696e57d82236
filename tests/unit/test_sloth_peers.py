"""Networks, and what is in them: who a request comes from, when it came through proxies."""

import pytest

from anyrig.core.errors import BadField
from anyrig.server.dialects.sloth.peers import networks, within


def test_a_network_has_both_kinds_of_addresses_in_it() -> None:
    trusted = networks(["192.0.2.0/24", "::ffff:198.51.100.0/120", "2001:db8::/32", " 203.0.113.7 "])
    for inside in ("192.0.2.255", "::ffff:192.0.2.1", "198.51.100.9", "2001:db8:ffff::1", "203.0.113.7"):
        assert within(inside, trusted)
    for outside in ("192.0.3.0", "198.51.101.9", "2001:db9::1", "203.0.113.8", "", "localhost"):
        assert not within(outside, trusted)


def test_a_network_may_be_named_by_any_address_in_it() -> None:
    assert networks(["192.0.2.77/24"]) == networks(["192.0.2.0/24"])


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.0/33", "192.0.2", "any", "::/129"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(BadField) as caught:
        networks(["192.0.2.0/24", text], "trusted_proxies")
    assert caught.value.fields["field"] == "trusted_proxies"
    assert f"'{text}'" in str(caught.value)


def test_all_of_mapped_ipv6_is_no_network_of_ipv4() -> None:
    assert within("2001:db8::1", networks(["::/0"]))
