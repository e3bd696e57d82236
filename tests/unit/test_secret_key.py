"""The key that encrypts private keys: a file of the data directory, or a setting."""

import base64
import os
from pathlib import Path

import pytest

from anyrig.bootstrap.secret_key import KEY_FILE, secret_key
from anyrig.core.errors import BadSecret, Invalid, KeyUnreadable
from anyrig.engine.sealing import decrypted, new_pair, opened
from anyrig.engine.seals import Seal

KEY = os.urandom(32)


def test_a_file_is_made_once_that_only_we_can_read(tmp_path: Path) -> None:
    first = secret_key(tmp_path, None)
    assert len(first) == 32
    assert secret_key(tmp_path, None) == first
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    assert secret_key(tmp_path, base64.b64encode(KEY).decode() + "\n") == KEY
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "hunter2", base64.b64encode(bytes(31)).decode()])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match="ANYRIG_SECRET_KEY is not 32 bytes in base64") as refused:
        secret_key(tmp_path, text)
    assert "hunter2" not in str(refused.value)


def test_a_private_key_opens_only_with_its_key_and_for_its_project() -> None:
    public, sealed = new_pair(Seal(KEY), 1)
    private = opened(Seal(KEY), 1, "tv", sealed)
    assert b"PRIVATE" not in sealed
    assert public.startswith("-----BEGIN PUBLIC KEY-----")
    for key, project in ((os.urandom(32), 1), (KEY, 2)):
        with pytest.raises(KeyUnreadable, match="The key of project 'tv' cannot be read"):
            opened(Seal(key), project, "tv", sealed)
    for damaged in (bytes(512), b"\xff" * 512, b"\0" + os.urandom(511), b"\0" * 511 + b"\1", b"short"):
        with pytest.raises(BadSecret, match="The secret 'pin' of the test pack cannot be used: it was not"):
            decrypted(private, "pin", base64.b64encode(damaged).decode())
