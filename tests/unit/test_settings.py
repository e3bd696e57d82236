"""Settings: flags, then variables, then the file of the data directory."""

from pathlib import Path

import pytest

from anyrig.settings import DEFAULT_DATA, ServerSettings


def test_the_data_directory_is_the_same_from_every_folder() -> None:
    assert ServerSettings().data == Path.cwd() / DEFAULT_DATA
    assert ServerSettings(data=Path("lab")).data == Path.cwd() / "lab"


def test_flags_outweigh_variables_and_these_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anyrig.toml").write_text('host = "10.0.0.1"\nport = 1\nrate = 5\n')
    monkeypatch.setenv("ANYRIG_HOST", "10.0.0.2")
    monkeypatch.setenv("ANYRIG_PORT", "2")
    found = ServerSettings(data=tmp_path, port=3)
    assert (found.host, found.port, found.rate) == ("10.0.0.2", 3, 5.0)
