"""Webhooks of Bitbucket Cloud.

See https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push and
https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/.
"""

from collections.abc import Mapping
from typing import Any

from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement, nothing, shown, total
from anyrig.server.dialects.sloth.hooks.options import GitHost, public_host
from anyrig.server.dialects.sloth.hooks.payload import at, items, required, text
from anyrig.server.dialects.sloth.hooks.refs import Push, chosen, push_of
from anyrig.server.dialects.sloth.hooks.repositories import check_full_name, has_repository
from anyrig.server.dialects.sloth.hooks.senders import HUB, check_peer, check_signature, ids
from anyrig.server.dialects.sloth.peers import networks

NAME = "bitbucket"
DEFAULT_NETWORKS = networks(
    (
        *("104.192.136.0/21", "185.166.140.0/22", "13.200.41.128/25"),
        *("104.192.143.192/28", "104.192.143.208/28"),
    )
)
"""Where Bitbucket Cloud says that its webhooks come from, and where they came from in former times."""
_PUSH = "repo:push"


def read(options: Mapping[str, Any]) -> GitHost:
    """See ``ProviderModule``: owner, repo, branches, tags, secret."""
    return public_host(NAME, options)


@total
def judge(config: GitHost, hook: Hook) -> Judgement:
    """See ``ProviderModule``: one run for each pushed branch.

    ``branch`` has all of the name: ``feature/x``, not ``x``.
    """
    _check_sender(config, hook)
    event = hook.headers.get("x-event-key", _PUSH)
    if event == _PUSH or has_repository(hook.payload):
        check_full_name(config, hook.payload)
    if event != _PUSH:
        return nothing(f"{shown(event)} is not a push")
    pusher = text(hook.payload, "actor.nickname", "actor.username", "actor.display_name")
    pushes = [_push(change, pusher) for change in items(hook.payload, "push.changes")]
    delivery = ids(NAME, hook, "x-request-uuid", signed=config.secret is not None)
    return chosen(config.refs, pushes, delivery)


def _check_sender(config: GitHost, hook: Hook) -> None:
    if config.secret is None:
        check_peer(hook, hook.trusted)
    else:
        check_signature(config.secret, hook, HUB)


def _push(change: object, pusher: str | None) -> Push:
    """Of what was deleted, there is nothing ``new``."""
    gone = at(change, "new") is None
    side = "old" if gone else "new"
    folder = "tags" if text(change, f"{side}.type") == "tag" else "heads"
    about = {"commit": None if gone else text(change, "new.target.hash"), "pusher": pusher}
    return push_of(f"refs/{folder}/{required(change, f'{side}.name')}", about, deleted=gone)
