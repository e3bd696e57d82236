"""Encrypted secrets in the configuration of a test pack."""

import pytest

from anyrig.core.errors import BadField, BadSecret
from anyrig.core.secrets import MOST, config_files, encrypted_secrets


def test_the_nodes_file_comes_before_the_packs() -> None:
    assert config_files("rig1") == ("config/test-farm/rig1.conf", ".stbt.conf")
    node = b"[encrypted_secrets]\npin = QQ==\n"
    pack = b"\xef\xbb\xbf[DEFAULT]\nx = 1\n[encrypted_secrets]\nPin = Qg==\nwifi = Qw==\n[other]\ny = 1\n"
    assert encrypted_secrets([node, pack]) == {"pin": "QQ==", "wifi": "Qw=="}


@pytest.mark.parametrize("data", [b"", b"[test_pack]\nx = 1\n", b"no configuration", b"\xff\xfe"])
def test_a_file_without_secrets_has_none(data: bytes) -> None:
    assert encrypted_secrets([data]) == {}


@pytest.mark.parametrize("name", ["[pin", "-pin", "p/in"])
def test_a_name_that_no_configuration_can_have_is_refused(name: str) -> None:
    with pytest.raises(BadSecret, match="its name is not made of letters"):
        encrypted_secrets([f"[encrypted_secrets]\n{name} = QQ==\n".encode()])


def test_there_are_not_too_many() -> None:
    lines = "".join(f"s{number} = QQ==\n" for number in range(MOST + 1))
    with pytest.raises(BadField, match="too many"):
        encrypted_secrets([f"[encrypted_secrets]\n{lines}".encode()])
