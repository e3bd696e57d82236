"""Webhooks of GitHub.

See https://docs.github.com/webhooks/webhook-events-and-payloads#push and
https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
"""

from collections.abc import Mapping
from typing import Any

from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement, nothing, shown, total
from anyrig.server.dialects.sloth.hooks.options import GitHost, public_host
from anyrig.server.dialects.sloth.hooks.payload import at
from anyrig.server.dialects.sloth.hooks.refs import chosen, only_push
from anyrig.server.dialects.sloth.hooks.repositories import check_owner_and_repo, has_repository
from anyrig.server.dialects.sloth.hooks.senders import HUB_256, check_peer, check_signature, ids
from anyrig.server.dialects.sloth.peers import networks

NAME = "github"
DEFAULT_NETWORKS = networks(
    (
        *("192.30.252.0/22", "185.199.108.0/22", "140.82.112.0/20", "143.55.64.0/20"),
        *("2a0a:a440::/29", "2606:50c0::/32"),
    )
)
"""``hooks`` of https://api.github.com/meta."""


def read(options: Mapping[str, Any]) -> GitHost:
    """See ``ProviderModule``: owner, repo, branches, tags, secret."""
    return public_host(NAME, options)


@total
def judge(config: GitHost, hook: Hook) -> Judgement:
    """See ``ProviderModule``. ``branch`` has all of the name: ``feature/x``, not ``x``."""
    _check_sender(config, hook)
    event = _event(hook)
    if event == "push" or has_repository(hook.payload):
        check_owner_and_repo(config, hook.payload)
    if event != "push":
        return nothing(f"{shown(event)} is not a push")
    push = only_push(hook.payload, ("head_commit.id", "after"), ("pusher.name",))
    delivery = ids(NAME, hook, "x-github-delivery", signed=config.secret is not None)
    return chosen(config.refs, [push], delivery)


def _check_sender(config: GitHost, hook: Hook) -> None:
    if config.secret is None:
        check_peer(hook, hook.trusted)
    else:
        check_signature(config.secret, hook, HUB_256)


def _event(hook: Hook) -> str:
    """Without the header it is a replay by hand; a ping has a ``zen``."""
    if at(hook.payload, "zen") is not None:
        return "ping"
    return hook.headers.get("x-github-event", "push")
