"""Settings: ``anyrig.toml`` of the data directory, then ``ANYRIG_*`` variables, then flags."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import msgspec

from anyrig.core.errors import Invalid
from anyrig.core.retention import Rules

DEFAULT_DATA = Path("anyrig-data")
_PREFIX = "ANYRIG_"
_STRUCTURED = (
    *("extensions", "file_log_folders", "objects_options", "redirect_hosts", "retention", "trusted_proxies"),
    "webhook_networks",
)
"""What is JSON in a variable."""


_Positive = Annotated[float, msgspec.Meta(gt=0)]


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which results are removed, the oldest first; those that are pinned stay."""

    days: _Positive | None = None
    """Results that are older; none: for their age alone, they stay for ever."""
    max_results: Annotated[int, msgspec.Meta(gt=0)] | None = None
    """More results than so many."""
    keep_free_gb: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """Results while the disk of the objects has less free; a gigabyte has 10⁹ bytes."""
    tombstone_days: _Positive | None = None
    """For how long it is known that a removed result was there; none: for ever."""

    def rules(self) -> Rules:
        """In microseconds and bytes."""
        return Rules(
            age=_day_count(self.days),
            most=self.max_results,
            keep_free=round(self.keep_free_gb * 1e9),
            tombstones=_day_count(self.tombstone_days),
        )


def _day_count(days: float | None) -> int | None:
    return None if days is None else round(days * 86_400e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server is told at its start; read once."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """How clients reach us, when that is not what they say in their requests: behind a proxy."""
    database_url: str | None = field(default=None, repr=False)
    """``postgresql://user:password@host/name``; none: SQLite in the data directory."""
    nats_url: str | None = field(default=None, repr=False)
    """``nats://user:password@host:4222``; none: a NATS server of our own, as a child."""
    nats_issuer_seed: str | None = field(default=None, repr=False)
    """Signs agents' permissions on that cluster."""
    nats_websocket_url: str | None = None
    """``ws://host:port`` of the cluster, for agents that come in through our own port."""
    nats_replicas: int = 1
    objects_url: str | None = None
    """``s3://bucket/prefix``; none: files in the data directory."""
    objects_options: dict[str, str] = field(default_factory=dict, repr=False)
    """A table in the file, a JSON object in the variable."""
    secret_key: str | None = field(default=None, repr=False)
    """32 bytes in base64, which encrypt private keys in the database; none: a file of the data directory. All
    replicas need the same."""
    retention: Retention = field(default_factory=Retention)
    """A table in the file, a JSON object in the variable."""
    lease_seconds: float = 120.0
    """A node that was silent for this long loses its task."""
    accept_seconds: float = 60.0
    log_level: str = "info"
    log_json: bool = False
    rate: float = 50.0
    """Requests a second that each token may make for ever; four times that for downloads, ten at once."""
    hold_seconds: float = 55.0
    """How long a long poll is held (stb-tester REST API v2, ``await_completion``)."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of those whose ``X-Forwarded-For`` is believed."""
    webhook_networks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Provider -> where its webhooks come from; those that are not named here come from where they say."""
    redirect_hosts: tuple[str, ...] = ()
    """Where a browser may be sent to when a build has ended."""
    file_log_folders: tuple[Path, ...] = ()
    """Where logs of builds may be written to, besides DATA/build-logs."""
    extensions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of all builds: name -> {module, options …}."""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'anyrig.sqlite'}"


def read(**flags: object) -> ServerSettings:
    """Flags first, then variables, then the file. Raises Invalid, which says what is wrong."""
    variables = _variables(os.environ)
    given = variables | flags
    # Programs that we start work in other folders than ours.
    data = Path(str(given.get("data") or DEFAULT_DATA)).absolute()
    try:
        wanted = _file(data) | given | {"data": data}
        return msgspec.convert(wanted, ServerSettings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Invalid(reason=f"a setting is wrong: {error}") from error


def _path(kind: type, value: object) -> object:
    """What msgspec does not know."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {_PREFIX + known.name.upper(): known.name for known in fields(ServerSettings)}
    found: dict[str, Any] = {
        name: environment[variable] for variable, name in names.items() if variable in environment
    }
    return found | {name: _json(name, found[name]) for name in _STRUCTURED if name in found}


def _json(name: str, text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(reason=f"{_PREFIX}{name.upper()} is not JSON ({error})") from error


def _file(data: Path) -> dict[str, Any]:
    file = data / "anyrig.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Invalid(reason=f"{file} is not TOML ({error})") from error
