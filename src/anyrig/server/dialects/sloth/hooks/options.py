"""Options of providers: what a test wants to know of its hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from anyrig.core.builds import BadBuild
from anyrig.core.errors import BadField
from anyrig.server.dialects.sloth.hooks.payload import is_text
from anyrig.server.dialects.sloth.hooks.refs import Refs
from anyrig.server.dialects.sloth.peers import Networks, networks


@dataclass(frozen=True, slots=True)
class GitHost:
    """What a test takes from a host of Git repositories."""

    refs: Refs
    secret: str | None = field(default=None, repr=False)
    """Shared with the host. With one, it does not matter where hooks come from."""
    owner: str | None = None
    """None: anybody; so with ``repo``."""
    repo: str | None = None
    trusted_ips: Networks = ()


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one provider, as the app file has them."""

    provider: str
    given: Mapping[str, Any]

    def refuse(self, reason: str) -> NoReturn:
        raise BadBuild(reason=f"provider {self.provider}: {reason}")

    def text(self, key: str) -> str | None:
        value = self.given.get(key)
        if value is not None and not is_text(value):
            self.refuse(f"{key} is not a text")
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, or a single one; None if it is missing."""
        value = self.given.get(key)
        values = [value] if isinstance(value, str) else value
        if values is None:
            return None
        if not isinstance(values, list) or not all(map(is_text, values)):
            self.refuse(f"{key} is not a list of texts")
        return tuple(values)

    def networks(self, key: str) -> Networks:
        try:
            return networks(self.texts(key) or (), key)
        except BadField as error:
            self.refuse(f"{key}: {error.fields['reason']}")

    def refs(self) -> Refs:
        if isinstance(every := self.given.get("tags"), bool):
            return Refs(self.texts("branches"), ("*",) if every else ())
        return Refs(self.texts("branches"), self.texts("tags") or ())


def public_host(provider: str, given: Mapping[str, Any]) -> GitHost:
    """A host where anybody may have repositories: without a secret, owner and repo tell ours from theirs."""
    options = Options(provider, given)
    owner, repo, secret = options.text("owner"), options.text("repo"), options.text("secret")
    if secret is None and (owner is None or repo is None):
        options.refuse("owner and repo are needed, or a secret")
    return GitHost(options.refs(), secret, owner, repo)


def own_host(provider: str, given: Mapping[str, Any]) -> GitHost:
    """A host that its users run themselves, who knows where."""
    options = Options(provider, given)
    trusted, secret = options.networks("trusted_ips"), options.text("secret")
    if secret is None and not trusted:
        options.refuse("a secret is needed, or trusted_ips")
    return GitHost(options.refs(), secret, options.text("owner"), options.text("repo"), trusted)
