"""Settings: ``anyrig.toml`` of the data directory, then ``ANYRIG_*`` variables, then flags."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

DEFAULT_DATA = Path("anyrig-data")


class ServerSettings(BaseSettings):
    """What a server is told at its start; read once."""

    model_config = SettingsConfigDict(env_prefix="ANYRIG_", extra="ignore")

    data: Path = Field(default=DEFAULT_DATA, validate_default=True)
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """How clients reach us, when that is not what they say in their requests: behind a proxy."""
    database_url: str | None = None
    """``postgresql://user:password@host/name``; none: SQLite in the data directory."""
    nats_url: str | None = None
    """``nats://user:password@host:4222``; none: a NATS server of our own, as a child."""
    nats_issuer_seed: str | None = Field(default=None, repr=False)
    """Signs agents' permissions on that cluster."""
    nats_websocket_url: str | None = None
    """``ws://host:port`` of the cluster, for agents that come in through our own port."""
    nats_replicas: int = 1
    objects_url: str | None = None
    """``s3://bucket/prefix``; none: files in the data directory."""
    objects_options: dict[str, str] = Field(default_factory=dict)
    lease_seconds: float = 120.0
    """A node that was silent for this long loses its task."""
    accept_seconds: float = 60.0
    log_level: str = "info"
    log_json: bool = False
    rate: float = 50.0
    """Requests a second that each token may make for ever; four times that for downloads, ten at once."""
    hold_seconds: float = 55.0
    """How long a long poll is held (stb-tester REST API v2, ``await_completion``)."""

    @field_validator("data")
    @classmethod
    def _whole(cls, data: Path) -> Path:
        """Programs that we start work in other folders than ours."""
        return data.absolute()

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'anyrig.sqlite'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic gives it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then variables, then the file."""
        data = init_settings().get("data") or env_settings().get("data") or DEFAULT_DATA
        file = TomlConfigSettingsSource(settings_cls, Path(data) / "anyrig.toml")
        return init_settings, env_settings, file
