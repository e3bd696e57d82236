"""Webhooks of Gitea, and of Forgejo, which sends the same.

See https://docs.gitea.com/usage/webhooks.
"""

from collections.abc import Mapping
from typing import Any

from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement, nothing, shown, total
from anyrig.server.dialects.sloth.hooks.options import GitHost, own_host
from anyrig.server.dialects.sloth.hooks.refs import chosen, only_push
from anyrig.server.dialects.sloth.hooks.repositories import check_owner_and_repo, has_repository
from anyrig.server.dialects.sloth.hooks.senders import HUB_256, check_peer, check_signature, ids
from anyrig.server.dialects.sloth.peers import Networks

NAME = "gitea"
DEFAULT_NETWORKS: Networks = ()


def read(options: Mapping[str, Any]) -> GitHost:
    """See ``ProviderModule``: owner, repo, trusted_ips, branches, tags, secret."""
    return own_host(NAME, options)


@total
def judge(config: GitHost, hook: Hook) -> Judgement:
    """See ``ProviderModule``. ``branch`` has all of the name: ``feature/x``, not ``x``."""
    _check_sender(config, hook)
    event = hook.headers.get("x-gitea-event", hook.headers.get("x-github-event", "push"))
    if event == "push" or has_repository(hook.payload):
        check_owner_and_repo(config, hook.payload)
    if event != "push":
        return nothing(f"{shown(event)} is not a push")
    push = only_push(hook.payload, ("head_commit.id", "after"), ("pusher.login", "pusher.username"))
    delivery = ids(NAME, hook, "x-gitea-delivery", "x-github-delivery", signed=config.secret is not None)
    return chosen(config.refs, [push], delivery)


def _check_sender(config: GitHost, hook: Hook) -> None:
    if config.secret is None:
        check_peer(hook, config.trusted_ips)
    else:
        check_signature(config.secret, hook, "x-gitea-signature", HUB_256)
