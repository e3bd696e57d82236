"""What a test pack's file says of a node."""

from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.node_config import config_path, parse_config, value_of

CONF = b"""\xef\xbb\xbf# Rack 3
[node]
friendly_name = Rack 3, Node 1

[device_under_test]
Device_Type = roku
ip_address: 192.168.1.108
volume = 100%
empty =
"""


def test_sections_and_keys_are_read_as_stb_tester_reads_them() -> None:
    config = parse_config(CONF)
    assert config == {
        "node": {"friendly_name": "Rack 3, Node 1"},
        "device_under_test": {
            "device_type": "roku",
            "ip_address": "192.168.1.108",
            "volume": "100%",
            "empty": "",
        },
    }
    assert value_of(config, "device_under_test", "device_type") == "roku"


def test_what_is_not_set_or_empty_has_no_value() -> None:
    config = parse_config(CONF)
    assert value_of(config, "device_under_test", "empty") is None
    assert value_of(config, "device_under_test", "power_outlet") is None
    assert value_of(config, "device_profile", "name") is None


def test_a_broken_file_says_nothing() -> None:
    assert parse_config(b"friendly_name = outside of any section") == {}
    assert parse_config(b"[node]\nfriendly_name") == {}


@given(st.binary() | st.text().map(str.encode))
def test_any_file_is_read_somehow(data: bytes) -> None:
    parse_config(data)


def test_the_file_is_named_after_the_node() -> None:
    assert config_path("tv1") == "config/test-farm/tv1.conf"
