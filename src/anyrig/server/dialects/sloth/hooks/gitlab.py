"""Webhooks of GitLab.

See https://docs.gitlab.com/user/project/integrations/webhook_events/ and
https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers.
"""

from collections.abc import Mapping
from typing import Any

from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement, nothing, shown, total
from anyrig.server.dialects.sloth.hooks.options import GitHost, own_host
from anyrig.server.dialects.sloth.hooks.payload import text
from anyrig.server.dialects.sloth.hooks.refs import chosen, only_push
from anyrig.server.dialects.sloth.hooks.repositories import check_project, has_repository
from anyrig.server.dialects.sloth.hooks.senders import body_id, check_peer, check_token, ids
from anyrig.server.dialects.sloth.peers import Networks

NAME = "gitlab"
DEFAULT_NETWORKS: Networks = ()
_PUSHES = ("push", "tag_push", "Push Hook", "Tag Push Hook")


def read(options: Mapping[str, Any]) -> GitHost:
    """See ``ProviderModule``: owner (a namespace), repo, trusted_ips, branches, tags, secret."""
    return own_host(NAME, options)


@total
def judge(config: GitHost, hook: Hook) -> Judgement:
    """See ``ProviderModule``. ``branch`` has all of the name: ``feature/x``, not ``x``."""
    if config.secret is None:
        check_peer(hook, config.trusted_ips)
    else:
        check_token(config.secret, hook, "x-gitlab-token")
    event = _event(hook)
    if event in _PUSHES or has_repository(hook.payload):
        check_project(config, hook.payload)
    if event not in _PUSHES:
        return nothing(f"{shown(event)} is not a push")
    # Of a tag with a message, ``after`` is the tag's own object.
    push = only_push(hook.payload, ("checkout_sha", "after"), ("user_username", "user_name"))
    return chosen(config.refs, [push], _delivery(hook))


def _event(hook: Hook) -> str:
    """The header names the kind of hook; hooks of the whole system tell what it is about in the payload."""
    named = hook.headers.get("x-gitlab-event")
    if named is None or named == "System Hook":
        return text(hook.payload, "object_kind", "event_name") or "push"
    return named


def _delivery(hook: Hook) -> tuple[str, ...]:
    """Hooks that set off other hooks share an event's id, so by itself it does not name a delivery."""
    if own := ids(NAME, hook, "idempotency-key"):
        return own
    return tuple(f"{event}:{body_id(hook)}" for event in ids(NAME, hook, "x-gitlab-event-uuid"))
