"""Webhooks of Gitea and Forgejo: who may start a build, and of which branch."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from anyrig.server.dialects.sloth.hooks import PROVIDERS, Hook, Judgement

AFTER = "bffeb74224043ba2feb48d137756c8a9331c449a"
OPTIONS: dict[str, Any] = {"owner": "gitea", "repo": "webhooks", "trusted_ips": ["198.51.100.0/28"]}
DELIVERY = "f6266f16-1bf3-46a5-9ea4-602e06ead473"
EVENT = {
    "x-gitea-delivery": DELIVERY,
    "x-gitea-event": "push",
    "x-gogs-event": "push",
    "x-github-delivery": DELIVERY,
    "x-github-event": "push",
}


def push(ref: str = "refs/heads/develop", **changes: Any) -> dict[str, Any]:
    payload = {
        "ref": ref,
        "before": "28e1879d029cb852e4844d9c718537df08844e03",
        "after": AFTER,
        "compare_url": "http://localhost:3000/gitea/webhooks/compare/28e1879d029c...bffeb7422404",
        "commits": [{"id": AFTER, "message": "Webhooks Yay!", "author": {"username": "gitea"}}],
        "total_commits": 1,
        "head_commit": {"id": AFTER, "message": "Webhooks Yay!"},
        "repository": {
            "id": 140,
            "owner": {"id": 1, "login": "gitea", "full_name": "Gitea", "username": "gitea"},
            "name": "webhooks",
            "full_name": "gitea/webhooks",
            "default_branch": "master",
        },
        "pusher": {"id": 1, "login": "pusher", "full_name": "Gitea", "username": "pusher"},
        "sender": {"id": 1, "login": "gitea", "username": "gitea"},
    }
    return payload | changes


def judged(
    payload: dict[str, Any],
    options: dict[str, Any] | None = None,
    *,
    peer: str = "198.51.100.3",
    headers: dict[str, str] | None = None,
) -> Judgement:
    provider = PROVIDERS["gitea"]
    hook = Hook("POST", EVENT if headers is None else headers, json.dumps(payload).encode(), payload, peer)
    return provider.judge(provider.read(OPTIONS if options is None else options), hook)


def signature(payload: dict[str, Any], secret: str) -> str:
    return hmac.new(secret.encode(), json.dumps(payload).encode(), hashlib.sha256).hexdigest()


def test_a_push_from_a_trusted_network_builds_its_branch() -> None:
    judgement = judged(push())
    assert judgement.status == 200
    assert judgement.builds == (
        {"branch": "develop", "ref": "refs/heads/develop", "commit": AFTER, "pusher": "pusher"},
    )
    assert judgement.delivery == (f"gitea:{DELIVERY}",)


def test_nobody_else_may_push_without_a_secret() -> None:
    assert judged(push(), peer="198.51.100.16").message == "Unverified remote IP: 198.51.100.16."


@pytest.mark.parametrize(
    ("header", "prefix"), [("x-gitea-signature", ""), ("x-hub-signature-256", "sha256=")]
)
def test_a_signed_push_may_come_from_anywhere(header: str, prefix: str) -> None:
    headers = EVENT | {header: prefix + signature(push(), "s"), "x-hub-signature": "sha1=00"}
    judgement = judged(push(), {"secret": "s"}, peer="10.0.0.9", headers=headers)
    assert judgement.status == 200
    assert [each.partition(":")[0] for each in judgement.delivery] == ["gitea", "body"]


def test_a_wrong_signature_is_refused_even_beside_a_right_one() -> None:
    headers = EVENT | {
        "x-gitea-signature": signature(push(), "t"),
        "x-hub-signature-256": f"sha256={signature(push(), 's')}",
    }
    assert judged(push(), OPTIONS | {"secret": "s"}, headers=headers).status == 403


def test_a_host_without_the_secret_sends_an_empty_signature() -> None:
    judgement = judged(push(), OPTIONS | {"secret": "s"}, headers=EVENT | {"x-gitea-signature": ""})
    assert judgement == Judgement(403, "The payload is not signed: there is no X-Gitea-Signature.")


def test_a_signature_by_sha_1_alone_is_refused() -> None:
    headers = EVENT | {"x-hub-signature": "sha1=2346ad27d7568ba9896f1b7da6b5991251debdf2"}
    assert "SHA-1" in judged(push(), {"secret": "s"}, headers=headers).message


def test_owner_and_repo_are_checked() -> None:
    assert judged(push(), OPTIONS | {"owner": "GITEA", "repo": "WebHooks"}).status == 200
    assert judged(push(), OPTIONS | {"owner": "x"}) == Judgement(403, "Unverified owner: gitea.")
    assert judged(push(), OPTIONS | {"repo": "x"}) == Judgement(403, "Unverified repository: webhooks.")


def test_any_repository_will_do_if_none_is_named() -> None:
    assert judged(push(repository=None), {"trusted_ips": "198.51.100.3"}).status == 200


@pytest.mark.parametrize("event", ["create", "delete", "issues"])
def test_other_events_build_nothing(event: str) -> None:
    payload = push("develop", ref_type="branch")
    for headers in ({"x-gitea-event": event}, {"x-github-event": event}):
        judgement = judged(payload, headers=headers)
        assert judgement == Judgement(200, f"Nothing to build: {event} is not a push.")


def test_an_event_without_a_repository_builds_nothing() -> None:
    assert judged({"action": "created"}, headers={"x-gitea-event": "package"}).status == 200


def test_a_deleted_branch_builds_nothing() -> None:
    judgement = judged(push(after="0" * 40, head_commit=None, commits=[]))
    assert judgement == Judgement(200, "Nothing to build: branch develop was deleted.")


def test_a_payload_without_the_name_of_an_event_is_a_push() -> None:
    judgement = judged(push(), headers={})
    assert judgement.builds[0]["branch"] == "develop"
    assert judgement.delivery == ()


def test_a_tag_that_is_wanted_is_built() -> None:
    (build,) = judged(push("refs/tags/v1"), OPTIONS | {"tags": True}).builds
    assert build["tag"] == build["branch"] == "v1"
