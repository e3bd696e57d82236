"""Webhooks of anything else that can post JSON or a form, with a secret or from a known place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from anyrig.core.builds import PARAM
from anyrig.server.dialects.sloth.hooks.base import BAD_SHAPE, OK, Hook, Judgement, Refused, total
from anyrig.server.dialects.sloth.hooks.options import Options
from anyrig.server.dialects.sloth.hooks.payload import at, text
from anyrig.server.dialects.sloth.hooks.refs import Push, Refs, chosen, is_nowhere, push_of
from anyrig.server.dialects.sloth.hooks.senders import (
    HUB_256,
    check_peer,
    check_signature,
    check_token,
    ids,
    is_signature,
)
from anyrig.server.dialects.sloth.peers import Networks

NAME = "generic"
DEFAULT_NETWORKS: Networks = ()
_TOKEN = "x-webhook-token"  # noqa: S105 - the name of a header
_BRANCH = ("ref", "branch")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Generic:
    """What a test takes from anywhere."""

    refs: Refs
    secret: str | None = field(repr=False)
    header: str | None
    """Has the secret, or the HMAC of the body, in lower case; None: one of those that are usual."""
    trusted_ips: Networks
    branch: tuple[str, ...]
    """Where in the payload the branch or the ref may be: dotted paths."""
    params: Mapping[str, str]
    """Param -> dotted path."""


def read(options: Mapping[str, Any]) -> Generic:
    """See ``ProviderModule``: secret, header, trusted_ips, branch, branches, tags, params."""
    given = Options(NAME, options)
    secret, trusted, branch = given.text("secret"), given.networks("trusted_ips"), given.text("branch")
    if secret is None and not trusted:
        given.refuse("a secret is needed, or trusted_ips: nobody is to start builds by accident")
    return Generic(
        refs=given.refs(),
        secret=secret,
        header=_header(given),
        trusted_ips=trusted,
        branch=_BRANCH if branch is None else (branch,),
        params=_params(given),
    )


def _header(given: Options) -> str | None:
    name = given.text("header")
    if name is None:
        return None
    if not _HEADER.fullmatch(name):
        given.refuse("header is not the name of a header")
    if given.text("secret") is None:
        given.refuse("a header without a secret proves nothing")
    return name.lower()


def _params(given: Options) -> Mapping[str, str]:
    params = given.given.get("params") or {}
    if not isinstance(params, Mapping) or not all(isinstance(path, str) for path in params.values()):
        given.refuse("params is not a map of params and where they are in the payload")
    for name in params:
        if not isinstance(name, str) or not PARAM.fullmatch(name):
            given.refuse(f"params: {str(name)[:60]!r} cannot be the name of a placeholder")
    return dict(params)


@total
def judge(config: Generic, hook: Hook) -> Judgement:
    """See ``ProviderModule``. A payload without a branch is fine, unless the test wants certain ones."""
    _check_sender(config, hook)
    params = _found(config.params, hook.payload)
    delivery = ids(NAME, hook, "x-delivery-id", "idempotency-key")
    ref = text(hook.payload, *config.branch)
    if ref is not None:
        return chosen(config.refs, [_push(ref, params, hook)], delivery)
    if config.refs.branches is not None or config.branch != _BRANCH:
        raise Refused(BAD_SHAPE, f"There is no branch in the payload, at {' or '.join(config.branch)}.")
    return Judgement(OK, "Payload validated.", (params,), delivery)


def _check_sender(config: Generic, hook: Hook) -> None:
    if config.secret is None:
        check_peer(hook, config.trusted_ips)
    elif config.header is not None:
        if not is_signature(config.secret, hook.body, hook.headers.get(config.header, "")):
            check_token(config.secret, hook, config.header)
    elif HUB_256 in hook.headers or _TOKEN not in hook.headers:
        check_signature(config.secret, hook, HUB_256)
    else:
        check_token(config.secret, hook, _TOKEN)


def _push(ref: str, params: dict[str, str], hook: Hook) -> Push:
    push = push_of(ref, {}, deleted=is_nowhere(at(hook.payload, "after")))
    return replace(push, about=params)


def _found(params: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, str]:
    found = {name: _value(payload, path) for name, path in params.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(payload: Mapping[str, Any], path: str) -> str | None:
    """Numbers, true and false as JSON writes them."""
    value = at(payload, path)
    if not isinstance(value, bool | int | float):
        return text(payload, path)
    try:
        return json.dumps(value)
    except ValueError:
        raise Refused(BAD_SHAPE, f"The payload has another shape: {path} is too large a number.") from None
