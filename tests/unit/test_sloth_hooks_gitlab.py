"""Webhooks of GitLab: who may start a build, and of which branch."""

import json
from typing import Any

import pytest

from anyrig.server.dialects.sloth.hooks import PROVIDERS, Hook, Judgement

ZEROS = "0" * 40
AFTER = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
OPTIONS: dict[str, Any] = {"trusted_ips": ["192.0.2.7", "2001:db8:1::/48"], "repo": "Diaspora"}
PUSH = {"x-gitlab-event": "Push Hook"}


def push(ref: str = "refs/heads/master", **changes: Any) -> dict[str, Any]:
    payload = {
        "object_kind": "push",
        "event_name": "push",
        "before": "95790bf891e76fee5e1747ab589903a6a1f80f22",
        "after": AFTER,
        "ref": ref,
        "ref_protected": True,
        "checkout_sha": AFTER,
        "message": None,
        "user_id": 4,
        "user_name": "John Smith",
        "user_username": "jsmith",
        "user_email": "john@example.com",
        "project_id": 15,
        "project": {
            "id": 15,
            "name": "Diaspora",
            "web_url": "http://gitlab.example.com/mike/diaspora",
            "namespace": "Mike",
            "visibility_level": 0,
            "path_with_namespace": "mike/diaspora",
            "default_branch": "master",
        },
        "commits": [{"id": AFTER, "title": "fixed readme", "added": ["CHANGELOG"]}],
        "total_commits_count": 4,
        "push_options": {"ci": {"skip": True}},
        "repository": {
            "name": "Diaspora",
            "url": "git@gitlab.example.com:mike/diaspora.git",
            "visibility_level": 0,
        },
    }
    return payload | changes


def judged(
    payload: dict[str, Any],
    options: dict[str, Any] | None = None,
    *,
    peer: str = "192.0.2.7",
    headers: dict[str, str] | None = None,
) -> Judgement:
    sent = PUSH if headers is None else headers
    provider = PROVIDERS["gitlab"]
    hook = Hook("POST", sent, json.dumps(payload).encode(), payload, peer)
    return provider.judge(provider.read(OPTIONS if options is None else options), hook)


def test_a_push_from_a_trusted_address_builds_its_branch() -> None:
    judgement = judged(push("refs/heads/feature/x"))
    assert judgement.status == 200
    assert judgement.builds == (
        {"branch": "feature/x", "ref": "refs/heads/feature/x", "commit": AFTER, "pusher": "jsmith"},
    )


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1:2::3"])
def test_addresses_and_networks_are_trusted(peer: str) -> None:
    assert judged(push(), peer=peer).status == 200


@pytest.mark.parametrize("peer", ["192.0.2.8", "2001:db8:2::1", "gitlab.example.com"])
def test_nobody_else_is(peer: str) -> None:
    assert judged(push(), peer=peer) == Judgement(403, f"Unverified remote IP: {peer}.")


def test_a_token_may_come_from_anywhere() -> None:
    headers = PUSH | {"x-gitlab-token": "s3cret"}
    assert judged(push(), {"secret": "s3cret"}, peer="10.9.8.7", headers=headers).status == 200


def test_a_token_beyond_ascii_arrives_in_latin_1() -> None:
    headers = PUSH | {"x-gitlab-token": "schlüssel".encode().decode("latin-1")}
    assert judged(push(), {"secret": "schlüssel"}, headers=headers).status == 200
    assert (
        judged(push(), {"secret": "schlüssel"}, headers=PUSH | {"x-gitlab-token": "schlüssel"}).status == 403
    )


@pytest.mark.parametrize("token", ["s3cre", "S3cret", "s3cret ", "\udcff☃"])
def test_a_wrong_token_is_refused_even_from_a_trusted_address(token: str) -> None:
    judgement = judged(push(), OPTIONS | {"secret": "s3cret"}, headers=PUSH | {"x-gitlab-token": token})
    assert judgement == Judgement(403, "Wrong token in X-Gitlab-Token.")


@pytest.mark.parametrize("headers", [PUSH, PUSH | {"x-gitlab-token": ""}])
def test_no_token_is_refused_even_from_a_trusted_address(headers: dict[str, str]) -> None:
    judgement = judged(push(), OPTIONS | {"secret": "s3cret"}, headers=headers)
    assert judgement == Judgement(403, "There is no X-Gitlab-Token.")


@pytest.mark.parametrize("repo", ["diaspora", "Mike/Diaspora"])
def test_a_project_is_known_by_its_name_and_by_its_path(repo: str) -> None:
    assert judged(push(), OPTIONS | {"repo": repo}).status == 200


def test_a_project_is_known_by_the_name_of_its_repository() -> None:
    payload = push(project=None, repository={"name": "Old"})
    assert judged(payload, OPTIONS | {"repo": "old"}).status == 200


def test_any_project_will_do_if_none_is_named() -> None:
    assert judged(push(), {"trusted_ips": "192.0.2.7"}).status == 200


def test_an_owner_is_a_namespace() -> None:
    assert judged(push(), OPTIONS | {"owner": "mike"}).status == 200
    assert judged(push(), OPTIONS | {"owner": "mik"}) == Judgement(403, "Unverified owner: mike.")
    assert judged(push(project=None), OPTIONS | {"owner": "mike"}).status == 400


def test_a_push_to_another_project_is_refused() -> None:
    judgement = judged(push(), OPTIONS | {"repo": "other/diaspora"})
    assert judgement == Judgement(403, "Unverified repository: mike/diaspora.")


def test_a_deleted_branch_builds_nothing() -> None:
    judgement = judged(push(after=ZEROS, checkout_sha=None, commits=[]))
    assert judgement == Judgement(200, "Nothing to build: branch master was deleted.")


def test_a_tag_is_built_at_the_commit_it_names() -> None:
    payload = push("refs/tags/v1.0.0", object_kind="tag_push", event_name="tag_push", after="8" * 40)
    headers = {"x-gitlab-event": "Tag Push Hook"}
    (build,) = judged(payload, OPTIONS | {"tags": ["v*"]}, headers=headers).builds
    assert (build["tag"], build["branch"], build["commit"]) == ("v1.0.0", "v1.0.0", AFTER)
    assert judged(payload, headers=headers).builds == ()


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"x-gitlab-event": "Issue Hook"}, "Issue Hook"),
        ({"x-gitlab-event": "System Hook"}, "merge_request"),
        ({}, "merge_request"),
    ],
)
def test_other_events_build_nothing(headers: dict[str, str], kind: str) -> None:
    payload = push(object_kind="merge_request", event_name=None)
    assert judged(payload, headers=headers) == Judgement(200, f"Nothing to build: {kind} is not a push.")


def test_an_event_without_a_repository_builds_nothing() -> None:
    payload = {"event_name": "user_create", "username": "js", "user_id": 41}
    assert judged(payload, headers={"x-gitlab-event": "System Hook"}).message.startswith("Nothing to build")


def test_hooks_of_the_whole_system_build_what_was_pushed() -> None:
    assert judged(push(), headers={"x-gitlab-event": "System Hook"}).builds[0]["branch"] == "master"


def test_a_payload_without_any_event_is_a_push() -> None:
    assert judged(push(object_kind=None, event_name=None), headers={}).builds[0]["branch"] == "master"


def test_a_delivery_is_known_by_its_idempotency_key() -> None:
    ids = {"idempotency-key": "f5e57e", "x-gitlab-event-uuid": "13792a", "x-gitlab-webhook-uuid": "aa"}
    assert judged(push(), headers=PUSH | ids).delivery == ("gitlab:f5e57e",)


def test_an_events_id_and_the_body_together_name_an_older_delivery() -> None:
    event = PUSH | {"x-gitlab-event-uuid": "13792a34"}
    (first,) = judged(push(), headers=event).delivery
    (again,) = judged(push(), headers=event).delivery
    (other,) = judged(push("refs/heads/set-off-by-it"), headers=event).delivery
    assert first == again != other
    assert first.startswith("gitlab:13792a34:body:")
    assert judged(push()).delivery == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"project": [], "repository": None},
        {"project": None, "repository": None},
        {"project": {"name": 7}},
        {"ref": {}},
        {"checkout_sha": []},
        {"user_username": {"a": 1}},
    ],
)
def test_a_payload_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    assert judged(push(**changes)).status == 400
