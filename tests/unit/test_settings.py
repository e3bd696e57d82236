"""Settings: flags, then variables, then the file of the data directory."""

from pathlib import Path

import pytest

from anyrig.core.errors import Invalid
from anyrig.core.retention import DAY, Rules
from anyrig.settings import DEFAULT_DATA, read


def test_the_data_directory_is_the_same_from_every_folder() -> None:
    assert read().data == Path.cwd() / DEFAULT_DATA
    assert read(data=Path("lab")).data == Path.cwd() / "lab"


def test_the_data_directory_may_come_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anyrig.toml").write_text("nats_replicas = 3\n")
    monkeypatch.setenv("ANYRIG_DATA", str(tmp_path))
    found = read()
    assert (found.data, found.nats_replicas) == (tmp_path, 3)


def test_flags_outweigh_variables_and_these_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anyrig.toml").write_text('host = "10.0.0.1"\nport = 1\nrate = 5\n')
    monkeypatch.setenv("ANYRIG_HOST", "10.0.0.2")
    monkeypatch.setenv("ANYRIG_PORT", "2")
    found = read(data=tmp_path, port=3)
    assert (found.host, found.port, found.rate) == ("10.0.0.2", 3, 5.0)


def test_variables_say_numbers_truth_and_tables_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYRIG_LOG_JSON", "true")
    monkeypatch.setenv("ANYRIG_HOLD_SECONDS", "1.5")
    monkeypatch.setenv("ANYRIG_OBJECTS_OPTIONS", '{"region": "eu"}')
    found = read(data=tmp_path)
    assert (found.log_json, found.hold_seconds, found.objects_options) == (True, 1.5, {"region": "eu"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("RATE", "fast"), ("OBJECTS_OPTIONS", "{"), ("LOG_JSON", "perhaps")],
)
def test_a_variable_that_makes_no_sense_is_refused(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANYRIG_{name}", value)
    with pytest.raises(Invalid):
        read(data=tmp_path)


@pytest.mark.parametrize("text", ["port = ", 'port = "eighty"\n'])
def test_a_file_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "anyrig.toml").write_text(text)
    with pytest.raises(Invalid):
        read(data=tmp_path)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = read(
        data=tmp_path,
        database_url="postgresql://u:hunter2@h/d",
        nats_url="nats://u:hunter2@h",
        nats_issuer_seed="hunter2",
        objects_options={"secret_access_key": "hunter2"},
        secret_key="hunter2",
    )
    assert "hunter2" not in repr(settings)


def test_by_default_results_go_only_when_the_disk_is_almost_full(tmp_path: Path) -> None:
    assert read(data=tmp_path).retention.rules() == Rules(keep_free=10**9)


def test_retention_is_a_table_of_the_file_or_json_in_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anyrig.toml").write_text("[retention]\ndays = 30\nmax_results = 9\ntombstone_days = 0.5\n")
    assert read(data=tmp_path).retention.rules() == Rules(30 * DAY, 9, 10**9, DAY // 2)
    monkeypatch.setenv("ANYRIG_RETENTION", '{"keep_free_gb": 0}')
    assert read(data=tmp_path).retention.rules() == Rules(keep_free=0)


@pytest.mark.parametrize(
    "text", ["days = 0", "max_results = -1", "keep_free_gb = -1", 'days = "soon"', "day = 3"]
)
def test_retention_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "anyrig.toml").write_text(f"[retention]\n{text}\n")
    with pytest.raises(Invalid):
        read(data=tmp_path)
