"""Where a bus is and who we are on it."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from anyrig.core.errors import Invalid

_SCHEMES = ("nats", "tls", "ws", "wss")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A NATS server or cluster, and one user of it.

    An external cluster needs JetStream in the account of ``user``, and the callout that lets agents in::

        max_payload: 8MB        # a screenshot is one message
        authorization {
          timeout: 5
          users: [{ user: anyrig, password: … }]
          auth_callout { issuer: <public key of issuer_seed>, auth_users: [anyrig], account: $G }
        }

    ``nsc generate nkey --account`` makes a seed and its public key.
    """

    url: str
    """``nats://host:4222``, also ``tls``, ``ws``, ``wss``; without user; several hosts with commas."""
    user: str
    password: str = field(repr=False)
    issuer_seed: str | None = field(default=None, repr=False)
    """Signs what agents may do; only servers have it."""
    websocket_url: str | None = None
    """Where the proxy takes agents that come through our own port; None: they go there themselves."""
    account: str = "$G"
    """The account agents are put into: that of ``user``."""

    def __post_init__(self) -> None:
        for server in self.servers:
            _check(server)

    @property
    def servers(self) -> list[str]:
        """One URL a host."""
        parts = urlsplit(self.url)
        return [urlunsplit(parts._replace(netloc=host)) for host in parts.netloc.split(",")]

    @classmethod
    def parse(cls, url: str, issuer_seed: str | None = None, websocket_url: str | None = None) -> "Endpoint":
        """From a setting like ``nats://user:password@host:4222``. Raises Invalid when it is not like that."""
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        user, colon, password = login.partition(":")
        if not colon:
            raise Invalid(reason="the URL of the message bus has no user:password@")
        bare = urlunsplit(parts._replace(netloc=hosts))
        return cls(bare, unquote(user), unquote(password), issuer_seed, websocket_url)


def _check(server: str) -> None:
    try:
        parts = urlsplit(server)
        usable = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Invalid(reason=f"'{server}' is not the URL of a message bus, such as nats://localhost:4222")
