"""What all providers of webhooks have in common: options, and that no payload is too strange to be judged."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrig.core.builds import BadBuild
from anyrig.server.dialects.sloth.hooks import DEFAULT_NETWORKS, PROVIDERS, Hook
from anyrig.server.dialects.sloth.peers import networks

EVERYWHERE = networks(["0.0.0.0/0", "::/0"])
PUBLIC = ("github", "bitbucket")
OWN = ("gitlab", "gitea", "generic")
EVENTS = ("x-github-event", "x-gitea-event", "x-gitlab-event", "x-event-key")
MINIMAL: dict[str, dict[str, Any]] = {
    "github": {"owner": "o", "repo": "r"},
    "bitbucket": {"owner": "o", "repo": "r"},
    "gitlab": {"trusted_ips": ["0.0.0.0/0"], "repo": "r"},
    "gitea": {"trusted_ips": ["0.0.0.0/0"], "owner": "o", "repo": "r"},
    "generic": {"trusted_ips": ["0.0.0.0/0"], "params": {"p": "push.changes.0.new", "q": "ref"}},
}
ZEROS, COMMIT = "0" * 40, "a" * 40
GOOD: dict[str, Any] = {
    "ref": "refs/heads/x",
    "after": COMMIT,
    "deleted": False,
    "zen": None,
    "checkout_sha": COMMIT,
    "object_kind": "push",
    "event_name": "push",
    "user_username": "me",
    "head_commit": {"id": COMMIT},
    "pusher": {"name": "me", "login": "me"},
    "actor": {"nickname": "me"},
    "project": {"path_with_namespace": "o/r", "name": "r"},
    "repository": {"name": "r", "full_name": "o/r", "owner": {"login": "o", "name": "o"}},
    "push": {
        "changes": [
            {"old": None, "new": {"name": "x", "type": "branch", "target": {"hash": COMMIT}}},
            {"old": {"name": "y", "type": "branch"}, "new": None},
        ]
    },
}
"""The shape of all hosts at once."""
WORDS = (
    "refs/heads/x",
    "refs/tags/v1",
    "refs/x/y",
    "o",
    "r",
    "o/r",
    "push",
    "tag",
    ZEROS,
    COMMIT,
    "a b",
    "\ud800",
)
LEAVES = st.sampled_from((None, True, 0, 1e400, -7, *WORDS)) | st.integers() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def paths(value: object) -> list[tuple[str | int, ...]]:
    """To all that is in there, the whole of it included."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, item in inside for rest in paths(item))]


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    if not path or not isinstance(value, dict | list):
        return new
    copy: Any = value.copy()
    if path[0] in copy if isinstance(copy, dict) else isinstance(path[0], int) and path[0] < len(copy):
        copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@st.composite
def payloads(draw: st.DrawFn) -> Any:
    """A good payload in which some things were replaced by whatever there is."""
    payload: Any = GOOD
    for _ in range(draw(st.integers(1, 3))):
        payload = replaced(payload, draw(st.sampled_from(paths(GOOD))), draw(JSON))
    return payload


HEADERS = st.dictionaries(
    st.sampled_from(
        (
            *EVENTS,
            *("x-github-delivery", "x-hub-signature", "x-hub-signature-256", "x-gitea-signature"),
            *("x-gitlab-token", "x-webhook-token", "idempotency-key", "x-gitlab-event-uuid"),
        )
    ),
    st.text(max_size=30) | st.sampled_from(("push", "repo:push", "Push Hook", "sha1=00")),
    max_size=4,
)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"repository": value, "ref": [value], "push": {"changes": [value]}}
    return value


def check(provider: str, options: dict[str, Any], hook: Hook) -> int:
    """The status; whatever the hook is, the judgement can be kept and shown."""
    module = PROVIDERS[provider]
    judgement = module.judge(module.read(options), hook)
    assert judgement.status in {200, 400, 403, 405}
    assert judgement.message.isprintable()
    assert len(judgement.message) < 2000
    assert judgement.status == 200 or not (judgement.builds or judgement.delivery)
    for build in judgement.builds:
        assert all(isinstance(value, str) and "\0" not in value for value in build.values())
        "".join(build.values()).encode()
    "".join(judgement.delivery).encode("ascii")
    return judgement.status


@given(payload=payloads(), headers=HEADERS, peer=st.text(max_size=20) | st.ip_addresses().map(str))
@settings(max_examples=500, deadline=None)
def test_no_payload_is_too_strange(payload: Any, headers: dict[str, str], peer: str) -> None:
    hook = Hook("POST", headers, b"{}", payload, peer, EVERYWHERE)
    for provider, options in MINIMAL.items():
        check(provider, options, hook)


@given(payload=payloads(), headers=HEADERS)
@settings(max_examples=100, deadline=None)
def test_no_payload_gets_by_without_the_secret(payload: Any, headers: dict[str, str]) -> None:
    hook = Hook("POST", headers, b"{}", payload, "10.0.0.1", EVERYWHERE)
    for provider, options in MINIMAL.items():
        assert check(provider, options | {"secret": "a secret that is longer than headers are"}, hook) == 403


@given(payload=payloads())
@settings(max_examples=200, deadline=None)
def test_no_signed_payload_is_too_strange(payload: Any) -> None:
    digest = f"sha256={hmac.new(b's', b'{}', hashlib.sha256).hexdigest()}"
    headers = {"x-hub-signature": digest, "x-hub-signature-256": digest, "x-gitlab-token": "s"}
    for provider in PROVIDERS:
        hook = Hook("POST", headers, b"{}", payload, "10.0.0.1")
        assert check(provider, {"secret": "s", "tags": True}, hook) in {200, 400}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_payload_may_be_as_deep_as_it_likes(provider: str) -> None:
    hook = Hook("POST", {}, b"", nested(5_000), "10.0.0.1", EVERYWHERE)
    assert check(provider, MINIMAL[provider], hook) == 400


@pytest.mark.parametrize("payload", [[], None, 5, "text", [{"ref": "x"}]])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_payload_that_is_no_map_at_all_is_judged_too(provider: str, payload: Any) -> None:
    check(provider, MINIMAL[provider], Hook("POST", {}, b"", payload, "10.0.0.1", EVERYWHERE))


def test_a_payload_of_the_right_shape_is_built_by_all() -> None:
    for provider, options in MINIMAL.items():
        module = PROVIDERS[provider]
        hook = Hook("post", {}, b"", GOOD, "10.0.0.1", EVERYWHERE)
        if provider == "generic":
            options = {"trusted_ips": "0.0.0.0/0"}  # noqa: PLW2901 - has params of other shapes
        assert [build["branch"] for build in module.judge(module.read(options), hook).builds] == ["x"]


def refusal(provider: str, options: dict[str, Any]) -> str:
    with pytest.raises(BadBuild) as caught:
        PROVIDERS[provider].read(options)
    sentence = str(caught.value)
    assert sentence.startswith(f"provider {provider}: ")
    return sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"branches": 5},
        {"branches": [1.0]},
        {"branches": {"dev": None}},
        {"branches": [""]},
        {"branches": ["dev", None]},
        {"tags": 1},
        {"tags": [True]},
        {"secret": ""},
        {"secret": 12345},
        {"secret": ["s"]},
        {"secret": "half \ud800 letter"},
        {"secret": "a\0b"},
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_options_that_make_no_sense_are_refused(provider: str, wrong: dict[str, Any]) -> None:
    assert next(iter(wrong)) in refusal(provider, MINIMAL[provider] | wrong)


@pytest.mark.parametrize("provider", ["github", "bitbucket", "gitea", "gitlab"])
def test_owner_and_repo_are_texts(provider: str) -> None:
    assert "repo is not a text" in refusal(provider, MINIMAL[provider] | {"repo": 5})
    assert "owner is not a text" in refusal(provider, MINIMAL[provider] | {"owner": ["o"]})


@pytest.mark.parametrize("provider", OWN)
@pytest.mark.parametrize("wrong", ["gitlab.example.com", "10.0.0.0/33", "", "10.0.0.1:80"])
def test_trusted_ips_are_addresses_and_networks(provider: str, wrong: str) -> None:
    assert "trusted_ips" in refusal(provider, {"trusted_ips": [wrong]})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_hook_that_anybody_may_call_is_refused(provider: str) -> None:
    assert "secret" in refusal(provider, {})
    assert "secret" in refusal(provider, {"branches": ["dev"]})


@pytest.mark.parametrize("provider", PUBLIC)
def test_on_a_public_host_the_repository_has_to_be_named(provider: str) -> None:
    assert "owner and repo" in refusal(provider, {"owner": "o"})
    assert "owner and repo" in refusal(provider, {"repo": "r"})
    assert refusal(provider, {"trusted_ips": ["10.0.0.1"]})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unknown_options_are_ignored(provider: str) -> None:
    module = PROVIDERS[provider]
    options = MINIMAL[provider]
    assert module.read(options | {"message": ["x"], "colour": 5}) == module.read(options)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secret_is_not_shown(provider: str) -> None:
    assert "hunter2" not in repr(PROVIDERS[provider].read({"secret": "hunter2"}))


def test_providers_are_known_by_their_names() -> None:
    assert set(PROVIDERS) == {"github", "gitlab", "bitbucket", "gitea", "generic"}
    assert all(name == PROVIDERS[name].NAME for name in PROVIDERS)


def test_only_public_hosts_have_networks_of_their_own() -> None:
    assert set(DEFAULT_NETWORKS) == set(PUBLIC)
