"""Webhooks of Bitbucket: one build for each pushed branch."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from anyrig.server.dialects.sloth.hooks import DEFAULT_NETWORKS, PROVIDERS, Hook, Judgement

HASH = "709d658dc5b6d6afcd46049c2f332ee3f515a67d"
OPTIONS = {"owner": "moigagoo", "repo": "sloth-ci"}
EVENT = {"x-event-key": "repo:push", "x-request-uuid": "5c2a-11", "x-hook-uuid": "h", "x-attempt-number": "1"}


def ref(name: str, kind: str = "branch", commit: str = HASH) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "target": {"type": "commit", "hash": commit, "author": {"raw": "A <a@example.com>"}, "parents": []},
        "links": {"html": {"href": f"https://bitbucket.org/moigagoo/sloth-ci/branch/{name}"}},
    }


def change(new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "old": old,
        "new": new,
        "created": old is None,
        "closed": new is None,
        "forced": False,
        "commits": [],
        "truncated": False,
    }


def push(*changes: object, **more: Any) -> dict[str, Any]:
    payload = {
        "actor": {"type": "user", "display_name": "Emma", "nickname": "emmap1", "account_id": "5d5355e8c6b9"},
        "repository": {
            "type": "repository",
            "full_name": "moigagoo/sloth-ci",
            "name": "Sloth CI",
            "uuid": "{673a6070-3421-46c9-9d48-90745f7bfe8e}",
            "owner": {"type": "user", "display_name": "Konstantin"},
            "is_private": True,
        },
        "push": {"changes": list(changes)},
    }
    return payload | more


def judged(
    payload: dict[str, Any],
    options: dict[str, Any] | None = None,
    *,
    peer: str = "104.192.143.193",
    headers: dict[str, str] | None = None,
    secret: str | None = None,
) -> Judgement:
    body = json.dumps(payload).encode()
    sent = dict(EVENT if headers is None else headers)
    if secret is not None:
        sent["x-hub-signature"] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    provider = PROVIDERS["bitbucket"]
    hook = Hook("POST", sent, body, payload, peer, DEFAULT_NETWORKS["bitbucket"])
    return provider.judge(provider.read(OPTIONS if options is None else options), hook)


def test_each_pushed_branch_is_a_build_of_its_own() -> None:
    judgement = judged(push(change(ref("dev")), change(ref("feature/x", commit="a" * 40), ref("feature/x"))))
    assert judgement.status == 200
    assert judgement.message == "Payload validated. Branches: dev, feature/x"
    assert judgement.builds == (
        {"branch": "dev", "ref": "refs/heads/dev", "commit": HASH, "pusher": "emmap1"},
        {"branch": "feature/x", "ref": "refs/heads/feature/x", "commit": "a" * 40, "pusher": "emmap1"},
    )


def test_a_branch_that_was_pushed_twice_is_built_once() -> None:
    judgement = judged(push(change(ref("dev", commit="b" * 40)), change(ref("dev"))))
    assert [build["commit"] for build in judgement.builds] == [HASH]


def test_of_several_branches_those_that_are_wanted_are_built() -> None:
    payload = push(change(ref("dev")), change(ref("other")), change(None, ref("gone")))
    judgement = judged(payload, OPTIONS | {"branches": ["dev"]})
    assert [build["branch"] for build in judgement.builds] == ["dev"]
    refused = judged(payload, OPTIONS | {"branches": ["staging"]})
    assert refused == Judgement(403, "Unverified branch: dev, other (to be built: staging).")


def test_a_branch_and_a_tag_are_built_together() -> None:
    judgement = judged(push(change(ref("dev")), change(ref("v1", "tag"))), OPTIONS | {"tags": ["v*"]})
    assert judgement.message == "Payload validated. Branches: dev. Tags: v1"
    assert judgement.builds[1]["tag"] == "v1"
    assert judgement.builds[1]["ref"] == "refs/tags/v1"


def test_a_tag_builds_nothing_unless_it_is_wanted() -> None:
    assert judged(push(change(ref("v1", "tag")))).builds == ()


def test_what_was_deleted_builds_nothing() -> None:
    judgement = judged(push(change(None, ref("dev")), change(None, ref("v1", "tag"))))
    assert judgement == Judgement(200, "Nothing to build: branch dev was deleted, tag v1 was deleted.")


def test_a_push_of_nothing_builds_nothing() -> None:
    assert judged(push()) == Judgement(200, "Nothing to build: no branch was pushed.")


@pytest.mark.parametrize("peer", ["104.192.143.193", "104.192.143.210", "104.192.136.9", "185.166.143.1"])
def test_all_of_bitbuckets_networks_are_known(peer: str) -> None:
    assert judged(push(change(ref("dev"))), peer=peer).status == 200


def test_nobody_else_may_push_without_a_secret() -> None:
    assert judged(push(change(ref("dev"))), peer="192.30.252.1").status == 403


def test_a_signed_push_may_come_from_anywhere() -> None:
    payload = push(change(ref("dev")))
    assert judged(payload, OPTIONS | {"secret": "s"}, peer="10.1.1.1", secret="s").status == 200
    assert judged(payload, OPTIONS | {"secret": "s"}, secret="t").status == 403


def test_an_unsigned_push_is_refused_where_there_is_a_secret() -> None:
    judgement = judged(push(change(ref("dev"))), OPTIONS | {"secret": "s"})
    assert judgement == Judgement(403, "The payload is not signed: there is no X-Hub-Signature.")


def test_a_signature_by_sha_1_is_refused() -> None:
    payload = push(change(ref("dev")))
    digest = hmac.new(b"s", json.dumps(payload).encode(), hashlib.sha1).hexdigest()
    judgement = judged(payload, {"secret": "s"}, headers=EVENT | {"x-hub-signature": f"sha1={digest}"})
    assert judgement == Judgement(403, "The payload is signed with SHA-1 alone; SHA-256 is needed.")


def test_the_repository_is_known_by_its_full_name() -> None:
    payload = push(change(ref("dev")))
    assert judged(payload, {"owner": "Moigagoo", "repo": "Sloth-CI"}).status == 200
    assert judged(payload, {"owner": "other", "repo": "sloth-ci"}).message == "Unverified owner: moigagoo."
    judgement = judged(payload, {"owner": "moigagoo", "repo": "Sloth CI"})
    assert judgement.message == "Unverified repository: sloth-ci."


def test_with_a_secret_any_repository_will_do_if_none_is_named() -> None:
    payload = push(change(ref("dev")), repository=None)
    assert judged(payload, {"secret": "s"}, secret="s").status == 200
    assert judged(push(change(ref("dev"))), {"secret": "s", "repo": "other"}, secret="s").status == 403
    assert judged(push(change(ref("dev"))), {"secret": "s", "owner": "moigagoo"}, secret="s").status == 200


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("diagnostics:ping", {"test": True}),
        ("pullrequest:created", push(pullrequest={"id": 1})),
        ("repo:commit_status_updated", push()),
    ],
)
def test_other_events_build_nothing(event: str, payload: dict[str, Any]) -> None:
    judgement = judged(payload, headers={"x-event-key": event})
    assert judgement == Judgement(200, f"Nothing to build: {event} is not a push.")


def test_a_payload_without_the_name_of_an_event_is_a_push() -> None:
    assert judged(push(change(ref("dev"))), headers={}).builds[0]["branch"] == "dev"


def test_somebody_whose_account_is_gone_may_have_pushed() -> None:
    (build,) = judged(push(change(ref("dev")), actor=None)).builds
    assert "pusher" not in build


def test_a_delivery_is_known_by_its_id_and_its_signed_body() -> None:
    payload = push(change(ref("dev")))
    assert judged(payload).delivery == ("bitbucket:5c2a-11",)
    by_id, by_body = judged(payload, {"secret": "s"}, secret="s").delivery
    assert by_id == "bitbucket:5c2a-11"
    assert by_body == f"body:{hashlib.sha256(json.dumps(payload).encode()).hexdigest()}"


@pytest.mark.parametrize(
    "payload",
    [
        push(push=None),
        push(push=[]),
        push(push={"changes": None}),
        push(push={"changes": {"0": 1}}),
        push(1),
        push(None),
        push([]),
        push(change(None, None)),
        push({"new": {"name": 5, "type": "branch"}}),
        push({"new": ["dev"]}),
        push({"new": {"name": "dev", "type": {}}}),
        push({"new": {"name": "dev", "target": {"hash": "x;y"}}}),
        push(change(ref("dev")), repository={"full_name": 3}),
        push(change(ref("dev")), repository=None),
        push(change(ref("dev")), actor="emma"),
    ],
)
def test_a_payload_of_another_shape_is_refused(payload: dict[str, Any]) -> None:
    judgement = judged(payload)
    assert judgement.status == 400
    assert judgement.message.isprintable()
