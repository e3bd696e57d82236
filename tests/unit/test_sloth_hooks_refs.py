"""Which pushed branches and tags are built, and what a run is told of them."""

from typing import Any

import pytest

from anyrig.server.dialects.sloth.hooks import DEFAULT_NETWORKS, PROVIDERS, Hook, Judgement

ZEROS = "0" * 40
AFTER = "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5"
OPTIONS = {"owner": "Codertocat", "repo": "Hello-World"}


def push(ref: str = "refs/heads/dev", **changes: Any) -> dict[str, Any]:
    """As GitHub sends it, less what is of no interest."""
    payload = {
        "ref": ref,
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": AFTER,
        "repository": {"name": "Hello-World", "owner": {"name": "Codertocat", "login": "Codertocat"}},
        "pusher": {"name": "octocat", "email": "octocat@github.com"},
        "created": False,
        "deleted": False,
        "head_commit": {"id": AFTER, "message": "Fix it"},
    }
    return payload | changes


def judged(payload: dict[str, Any], options: dict[str, Any] | None = None) -> Judgement:
    provider = PROVIDERS["github"]
    hook = Hook("POST", {}, b"", payload, "192.30.252.10", DEFAULT_NETWORKS["github"])
    return provider.judge(provider.read(OPTIONS if options is None else options), hook)


def test_the_branch_is_all_of_its_name() -> None:
    (build,) = judged(push("refs/heads/feature/new/x")).builds
    assert build["branch"] == "feature/new/x"
    assert build["ref"] == "refs/heads/feature/new/x"


def test_a_bare_name_is_a_branch() -> None:
    (build,) = judged(push("master")).builds
    assert (build["branch"], build["ref"]) == ("master", "refs/heads/master")


def test_a_branch_for_the_shell_is_passed_as_it_is() -> None:
    (build,) = judged(push("refs/heads/x;touch${IFS}pwned")).builds
    assert build["branch"] == "x;touch${IFS}pwned"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a\nb",
        "a\x00b",
        "../x",
        "a/../b",
        "-x/",
        "/x",
        "x.lock",
        "a..b",
        "a~1",
        "\ud800",
        "x" * 1001,
    ],
)
def test_what_git_takes_for_no_branch_is_none(name: str) -> None:
    judgement = judged(push(f"refs/heads/{name}"))
    assert judgement.status == 400
    assert judgement.message.isprintable()


def test_only_the_branches_that_are_named_are_built() -> None:
    options = OPTIONS | {"branches": ["dev", "staging"]}
    assert judged(push("refs/heads/staging"), options).status == 200
    judgement = judged(push("refs/heads/main"), options)
    assert judgement == Judgement(403, "Unverified branch: main (to be built: dev, staging).")


def test_one_branch_may_be_named_without_a_list() -> None:
    assert judged(push("refs/heads/dev"), OPTIONS | {"branches": "dev"}).status == 200
    assert judged(push("refs/heads/d"), OPTIONS | {"branches": "dev"}).status == 403


def test_the_last_part_of_a_branchs_name_is_not_enough() -> None:
    judgement = judged(push("refs/heads/feature/x"), OPTIONS | {"branches": ["x"]})
    assert judgement == Judgement(403, "Unverified branch: feature/x (to be built: x).")


@pytest.mark.parametrize(
    ("pattern", "branch", "status"),
    [
        ("release/*", "release/1.0", 200),
        ("release/*", "release/1.0/fix", 200),
        ("release/*", "release", 403),
        ("v?", "v2", 200),
        ("[a-c]*", "beta", 200),
        ("[a-c]*", "Beta", 403),
        ("*", "any/thing", 200),
    ],
)
def test_branches_may_be_named_by_patterns(pattern: str, branch: str, status: int) -> None:
    assert judged(push(f"refs/heads/{branch}"), OPTIONS | {"branches": [pattern]}).status == status


def test_an_empty_list_of_branches_is_none_at_all() -> None:
    judgement = judged(push(), OPTIONS | {"branches": []})
    assert judgement == Judgement(403, "Unverified branch: dev (to be built: none).")


def test_long_lists_are_cut_in_the_message() -> None:
    judgement = judged(push("refs/heads/" + "x" * 500), OPTIONS | {"branches": list("abcdefghijklmno")})
    assert judgement.status == 403
    assert "a, b, c, d, e, f, g, h, i, j, 5 more" in judgement.message
    assert len(judgement.message) < 250


@pytest.mark.parametrize(
    "payload",
    [
        push(after=ZEROS, deleted=True, head_commit=None),
        push("refs/heads/dev", after=ZEROS, head_commit=None),
        push("refs/heads/dev", after="0" * 64, head_commit=None),
        push("refs/heads/dev", deleted=True),
    ],
)
def test_a_deleted_branch_builds_nothing(payload: dict[str, Any]) -> None:
    judgement = judged(payload, OPTIONS | {"branches": ["main"]})
    assert judgement == Judgement(200, "Nothing to build: branch dev was deleted.")


def test_a_commit_that_begins_with_zeros_is_one() -> None:
    commit = "0" * 9 + "a" * 31
    assert judged(push(after=commit, head_commit={"id": commit})).builds[0]["commit"] == commit


def test_a_tag_builds_nothing_unless_it_is_wanted() -> None:
    for branches in ({}, {"branches": ["*"]}, {"tags": ["w*"]}, {"tags": False}):
        judgement = judged(push("refs/tags/v1.0"), OPTIONS | branches)
        assert judgement == Judgement(200, "Nothing to build: tag v1.0 is not among those to be built.")


@pytest.mark.parametrize(
    "wanted",
    [{"tags": True}, {"tags": ["v*"]}, {"tags": "v1.0"}, {"branches": ["main", "v1.0"]}],
)
def test_a_tag_that_is_wanted_is_built(wanted: dict[str, Any]) -> None:
    tag_object = "7638417db6d59f3c431d3e1f261cc637155684cd"
    judgement = judged(push("refs/tags/v1.0", after=tag_object), OPTIONS | wanted)
    assert judgement.message == "Payload validated. Tags: v1.0"
    (build,) = judgement.builds
    assert (build["branch"], build["tag"], build["ref"]) == ("v1.0", "v1.0", "refs/tags/v1.0")
    assert build["commit"] == AFTER


def test_a_branch_that_is_called_like_a_pattern_of_tags_is_no_tag() -> None:
    assert judged(push("refs/heads/v1.0"), OPTIONS | {"branches": ["main"], "tags": True}).status == 403


def test_other_refs_are_neither_branches_nor_tags() -> None:
    judgement = judged(push("refs/notes/commits"), OPTIONS | {"tags": True})
    assert judgement.status == 200
    assert judgement.builds == ()
    assert "refs/notes/commits is neither a branch nor a tag" in judgement.message


def test_what_is_not_known_is_not_among_the_params() -> None:
    (build,) = judged(push(head_commit=None, after=None, pusher=None)).builds
    assert build == {"branch": "dev", "ref": "refs/heads/dev"}
