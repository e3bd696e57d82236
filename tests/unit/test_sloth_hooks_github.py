"""Webhooks of GitHub: who may start a build, and of which branch."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from anyrig.server.dialects.sloth.hooks import DEFAULT_NETWORKS, PROVIDERS, Hook, Judgement

ZEROS = "0" * 40
BEFORE = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
AFTER = "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5"
SECRET = "It's a Secret to Everybody"
GITHUB = "140.82.115.7"
OPTIONS = {"owner": "Codertocat", "repo": "Hello-World"}


def push(ref: str = "refs/heads/dev", **changes: Any) -> dict[str, Any]:
    payload = {
        "ref": ref,
        "before": BEFORE,
        "after": AFTER,
        "repository": {
            "id": 186853002,
            "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",
            "name": "Hello-World",
            "full_name": "Codertocat/Hello-World",
            "private": False,
            "owner": {
                "name": "Codertocat",
                "email": "21031067+Codertocat@users.noreply.github.com",
                "login": "Codertocat",
                "id": 21031067,
                "type": "User",
            },
            "html_url": "https://github.com/Codertocat/Hello-World",
            "pushed_at": 1557933657,
            "default_branch": "master",
        },
        "pusher": {"name": "octocat", "email": "octocat@github.com"},
        "sender": {"login": "octocat", "id": 583231, "type": "User"},
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"https://github.com/Codertocat/Hello-World/compare/{BEFORE[:12]}...{AFTER[:12]}",
        "commits": [{"id": AFTER, "message": "Fix it", "distinct": True, "modified": ["a.txt"]}],
        "head_commit": {"id": AFTER, "message": "Fix it", "author": {"name": "Octo", "username": "octocat"}},
    }
    return payload | changes


def deletion(ref: str) -> dict[str, Any]:
    return push(ref, after=ZEROS, deleted=True, head_commit=None, commits=[])


def ping() -> dict[str, Any]:
    return {
        "zen": "Responsive is better than fast.",
        "hook_id": 30,
        "hook": {"type": "Repository", "id": 30, "name": "web", "active": True, "events": ["push"]},
        "repository": {"name": "Hello-World", "owner": {"login": "Codertocat", "id": 21031067}},
        "sender": {"login": "Codertocat"},
    }


def judged(
    payload: dict[str, Any],
    options: dict[str, Any] | None = None,
    *,
    peer: str = GITHUB,
    headers: dict[str, str] | None = None,
    secret: str | None = None,
    method: str = "POST",
) -> Judgement:
    """``secret`` is what the sender signs with."""
    body = json.dumps(payload).encode()
    sent = {"x-github-event": "push"} if headers is None else dict(headers)
    if secret is not None:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent["x-hub-signature-256"] = f"sha256={digest}"
    hook = Hook(method, sent, body, payload, peer, DEFAULT_NETWORKS["github"])
    provider = PROVIDERS["github"]
    return provider.judge(provider.read(OPTIONS if options is None else options), hook)


def test_a_push_from_githubs_network_builds_its_branch() -> None:
    judgement = judged(push())
    assert judgement.status == 200
    assert judgement.message == "Payload validated. Branches: dev"
    assert judgement.builds == (
        {"branch": "dev", "ref": "refs/heads/dev", "commit": AFTER, "pusher": "octocat"},
    )


@pytest.mark.parametrize(
    "peer",
    ["192.30.252.10", "185.199.108.153", "140.82.112.1", "143.55.64.2", "2a0a:a440::1", "2606:50c0::4"],
)
def test_all_of_githubs_networks_are_known(peer: str) -> None:
    assert judged(push(), peer=peer).status == 200


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.30.248.1", "::1", "::ffff:127.0.0.1", "testclient", ""])
def test_nobody_else_may_push_without_a_secret(peer: str) -> None:
    judgement = judged(push(), peer=peer)
    assert judgement == Judgement(403, f"Unverified remote IP: {peer}.")


def test_githubs_network_may_be_mapped_into_ipv6() -> None:
    assert judged(push(), peer="::ffff:192.30.252.10").status == 200


def test_a_forwarded_address_in_a_header_proves_nothing() -> None:
    headers = {"x-forwarded-for": "192.30.252.10", "x-real-ip": "192.30.252.10"}
    assert judged(push(), peer="127.0.0.1", headers=headers).status == 403


def test_a_signed_push_may_come_from_anywhere() -> None:
    judgement = judged(push(), OPTIONS | {"secret": SECRET}, peer="10.0.0.1", secret=SECRET)
    assert judgement.status == 200
    assert [build["branch"] for build in judgement.builds] == ["dev"]


def test_a_secret_needs_no_owner_and_no_repo() -> None:
    judgement = judged(push(), {"secret": SECRET}, peer="10.0.0.1", secret=SECRET)
    assert judgement.status == 200


def test_githubs_own_example_of_a_signature_is_right() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    hook = Hook("POST", {"x-hub-signature-256": signature}, b"Hello, World!", push(), "10.0.0.1")
    provider = PROVIDERS["github"]
    assert provider.judge(provider.read({"secret": "It's a Secret to Everybody"}), hook).status == 200


def test_a_signature_by_another_secret_is_refused() -> None:
    judgement = judged(push(), {"secret": SECRET}, secret="another")
    assert judgement.status == 403
    assert judgement.message.startswith("Wrong signature: X-Hub-Signature-256")
    assert judgement.delivery == ()


@pytest.mark.parametrize(
    "signature", ["sha256=", "sha256=é", "sha256=\udcff", "sha512=00", "=", f"sha256={'0' * 64}"]
)
def test_nonsense_is_no_signature(signature: str) -> None:
    judgement = judged(push(), {"secret": SECRET}, headers={"x-hub-signature-256": signature})
    assert judgement.status == 403


def test_a_signature_may_be_in_capitals() -> None:
    body = json.dumps(push()).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest().upper()
    assert (
        judged(push(), {"secret": SECRET}, headers={"x-hub-signature-256": f"sha256={digest}"}).status == 200
    )


def test_a_body_that_was_changed_after_it_was_signed_is_refused() -> None:
    body = json.dumps(push()).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    hook = Hook("POST", headers, body.replace(b"heads/dev", b"heads/bad"), push("refs/heads/bad"), GITHUB)
    provider = PROVIDERS["github"]
    assert provider.judge(provider.read({"secret": SECRET}), hook).status == 403


@pytest.mark.parametrize("headers", [{}, {"x-hub-signature-256": ""}])
def test_with_a_secret_an_unsigned_push_is_refused_even_from_github(headers: dict[str, str]) -> None:
    judgement = judged(push(), OPTIONS | {"secret": SECRET}, headers=headers)
    assert judgement == Judgement(403, "The payload is not signed: there is no X-Hub-Signature-256.")


def test_a_signature_by_sha_1_alone_is_refused() -> None:
    body = json.dumps(push()).encode()
    signature = f"sha1={hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}"
    judgement = judged(push(), {"secret": SECRET}, headers={"x-hub-signature": signature})
    assert judgement == Judgement(403, "The payload is signed with SHA-1 alone; SHA-256 is needed.")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "x\x00y"])
def test_hooks_are_posted(method: str) -> None:
    judgement = judged(push(), method=method)
    assert judgement.status == 405
    assert judgement.message.isprintable()


def test_owner_and_repo_may_be_in_other_letters() -> None:
    assert judged(push(), {"owner": "codertocat", "repo": "hello-world"}).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"owner": "other", "repo": "Hello-World"}, "Unverified owner: Codertocat."),
        ({"owner": "Codertocat", "repo": "other"}, "Unverified repository: Hello-World."),
    ],
)
def test_a_push_to_another_repository_is_refused(options: dict[str, str], message: str) -> None:
    assert judged(push(), options) == Judgement(403, message)


def test_an_old_payload_has_only_the_owners_name() -> None:
    repository = {"name": "Hello-World", "owner": {"name": "Codertocat", "email": "c@example.com"}}
    assert judged(push(repository=repository), headers={}).status == 200


def test_a_payload_without_the_name_of_an_event_is_a_push() -> None:
    assert judged(push(), headers={}).builds[0]["branch"] == "dev"


def test_the_name_of_a_stranger_comes_printable_into_the_message() -> None:
    repository = {"name": "Hello-World", "owner": {"login": "x\n\u202eERROR root: all is well" + "y" * 500}}
    judgement = judged(push(repository=repository))
    assert judgement.status == 403
    assert judgement.message.isprintable()
    assert len(judgement.message) < 150


def test_a_ping_builds_nothing() -> None:
    for headers in ({"x-github-event": "ping"}, {}, {"x-github-event": "push"}):
        assert judged(ping(), headers=headers) == Judgement(200, "Nothing to build: ping is not a push.")


def test_a_ping_of_an_organisation_has_no_repository() -> None:
    payload = {"zen": "Keep it logically awesome.", "hook_id": 1, "organization": {"login": "acme"}}
    assert judged(payload, headers={"x-github-event": "ping"}).status == 200


def test_a_ping_about_another_repository_tells_of_the_mistake() -> None:
    judgement = judged(ping(), OPTIONS | {"repo": "other"}, headers={"x-github-event": "ping"})
    assert judgement.status == 403


def test_a_ping_from_elsewhere_is_refused() -> None:
    assert judged(ping(), peer="10.0.0.1").status == 403


def test_another_event_builds_nothing() -> None:
    judgement = judged(push(), headers={"x-github-event": "pull_request"})
    assert judgement == Judgement(200, "Nothing to build: pull_request is not a push.")


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": None},
        {"ref": 5},
        {"ref": ["refs/heads/dev"]},
        {"ref": "x" * 10_001},
        {"repository": None},
        {"repository": []},
        {"repository": "Hello-World"},
        {"repository": {"name": "Hello-World", "owner": [1]}},
        {"repository": {"name": {}, "owner": {"login": "Codertocat"}}},
        {"after": 12, "head_commit": None},
        {"after": "not a commit", "head_commit": None},
        {"pusher": "octocat"},
        {"pusher": {"name": "\ud800"}},
    ],
)
def test_a_payload_of_another_shape_is_refused_with_a_sentence(changes: dict[str, Any]) -> None:
    judgement = judged(push(**changes))
    assert judgement.status == 400
    assert judgement.message.endswith(".")
    assert judgement.message.isprintable()


def test_a_delivery_is_known_by_its_id() -> None:
    headers = {"x-github-event": "push", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    assert judged(push(), headers=headers).delivery == ("github:72d3162e-cc78-11e3-81ab-4c9367dc0958",)
    assert judged(push()).delivery == ()


def test_a_signed_delivery_is_known_by_its_body_as_well() -> None:
    first = judged(push(), {"secret": SECRET}, secret=SECRET, headers={"x-github-delivery": "a"})
    again = judged(push(), {"secret": SECRET}, secret=SECRET, headers={"x-github-delivery": "b"})
    other = judged(
        push("refs/heads/x"), {"secret": SECRET}, secret=SECRET, headers={"x-github-delivery": "c"}
    )
    assert set(first.delivery) & set(again.delivery) == {
        f"body:{hashlib.sha256(json.dumps(push()).encode()).hexdigest()}"
    }
    assert not set(first.delivery) & set(other.delivery)


def test_an_endless_id_becomes_a_short_one() -> None:
    (short,) = judged(push(), headers={"x-github-delivery": "é" * 9000}).delivery
    assert len(short) < 100
    assert short.isascii()


def test_what_builds_nothing_is_not_remembered() -> None:
    headers = {"x-github-delivery": "1"}
    assert judged(deletion("refs/heads/dev"), headers=headers).delivery == ()
    assert judged(push(), OPTIONS | {"branches": ["x"]}, headers=headers).delivery == ()
