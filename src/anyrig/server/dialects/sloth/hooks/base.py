"""What every provider of webhooks has: a name, options, and a judgement on what comes in."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from anyrig.server.dialects.sloth.peers import Networks

OK = 200
BAD_SHAPE = 400
FORBIDDEN = 403
WRONG_METHOD = 405


@dataclass(frozen=True, slots=True)
class Hook:
    """A request at a listen point."""

    method: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """As it came, for signatures."""
    payload: Mapping[str, Any]
    """What the body says: parsed JSON, or JSON in a form, or a form's fields."""
    peer: str
    """The IP address of whoever sent it."""
    trusted: Networks = ()
    """Where this provider's webhooks come from, by the server's settings."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be done about a hook, and what to answer."""

    status: int
    """Of HTTP."""
    message: str
    """One sentence; may hold what strangers wrote, in printable characters."""
    builds: tuple[dict[str, str], ...] = ()
    """The params of each run to start."""
    delivery: tuple[str, ...] = ()
    """Names of this delivery. One that is known already means that this is a replay. Empty if none builds."""


class Refused(Exception):
    """A hook that is not taken; it never leaves this package."""

    def __init__(self, status: int, message: str) -> None:
        self.judgement = Judgement(status, message)
        super().__init__(message)


class ProviderModule(Protocol):
    """One module a provider, listed in the registry of this package."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """As the key under ``provider:`` has it."""

    @property
    def DEFAULT_NETWORKS(self) -> Networks:  # noqa: N802 - a module's constant
        """Where its hooks come from as far as is known; empty if that is for its users to say."""

    def read(self, options: Mapping[str, Any], /) -> Any:
        """The options, checked. Raises BadBuild, with a sentence for people."""

    def judge(self, config: Any, hook: Hook, /) -> Judgement:
        """Total: whatever the hook holds, there is a judgement."""


_C = TypeVar("_C")


def total(judge: Callable[[_C, Hook], Judgement]) -> Callable[[_C, Hook], Judgement]:
    """Makes a judgement of what is refused; judges posts only."""

    @functools.wraps(judge)
    def judged(config: _C, hook: Hook) -> Judgement:
        if hook.method.upper() != "POST":
            return Judgement(WRONG_METHOD, f"Wrong method: POST is expected, not {shown(hook.method)}.")
        try:
            return judge(config, hook)
        except Refused as refused:
            return refused.judgement

    return judged


def nothing(reason: str) -> Judgement:
    """A hook that is fine, and no reason to build."""
    return Judgement(OK, f"Nothing to build: {reason}.")


_LONGEST_SHOWN = 100


def shown(text: str) -> str:
    """For a message: not long, and without characters that a log could do without."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
    return "".join(char if char.isprintable() else "?" for char in cut)


_MOST_LISTED = 10


def listed(texts: list[str]) -> str:
    """For a message: some of many."""
    more = [f"{len(texts) - _MOST_LISTED} more"] if len(texts) > _MOST_LISTED else []
    return ", ".join([*map(shown, texts[:_MOST_LISTED]), *more])
