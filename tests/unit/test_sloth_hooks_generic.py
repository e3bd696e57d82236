"""Webhooks of anything that can post: by a secret, or from a known place, never by anybody."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from anyrig.core.builds import BadBuild
from anyrig.server.dialects.sloth.hooks import PROVIDERS, Hook, Judgement

TOKEN = {"x-webhook-token": "s3cret"}
OPTIONS: dict[str, Any] = {"secret": "s3cret"}


def judged(
    payload: dict[str, Any],
    options: dict[str, Any] | None = None,
    *,
    headers: dict[str, str] | None = None,
    peer: str = "203.0.113.5",
) -> Judgement:
    provider = PROVIDERS["generic"]
    sent = TOKEN if headers is None else headers
    hook = Hook("POST", sent, json.dumps(payload).encode(), payload, peer)
    return provider.judge(provider.read(OPTIONS if options is None else OPTIONS | options), hook)


def digest(payload: dict[str, Any], secret: str = "s3cret") -> str:
    return hmac.new(secret.encode(), json.dumps(payload).encode(), hashlib.sha256).hexdigest()


def refusal(**options: Any) -> str:
    with pytest.raises(BadBuild) as caught:
        PROVIDERS["generic"].read(options)
    return str(caught.value)


def test_a_hook_that_anybody_may_call_is_not_to_be_had() -> None:
    tries: list[dict[str, Any]] = [{}, {"trusted_ips": []}, {"secret": None, "branches": ["main"]}]
    for options in tries:
        assert "a secret is needed, or trusted_ips" in refusal(**options)


def test_a_token_starts_a_build() -> None:
    judgement = judged({"branch": "main"})
    assert judgement.status == 200
    assert judgement.builds == ({"branch": "main", "ref": "refs/heads/main"},)


def test_a_signed_body_starts_a_build() -> None:
    payload = {"ref": "refs/heads/main"}
    headers = {"x-hub-signature-256": f"sha256={digest(payload)}"}
    assert judged(payload, headers=headers).builds[0]["branch"] == "main"
    assert judged({"ref": "refs/heads/bad"}, headers=headers).status == 403


def test_a_wrong_signature_is_refused_even_beside_a_right_token() -> None:
    headers = TOKEN | {"x-hub-signature-256": f"sha256={digest({}, 'other')}"}
    assert judged({}, headers=headers).status == 403


@pytest.mark.parametrize("headers", [{}, {"x-webhook-token": "other"}, {"authorization": "s3cret"}])
def test_without_the_secret_nothing_starts(headers: dict[str, str]) -> None:
    assert judged({"branch": "main"}, headers=headers).status == 403


def test_a_trusted_address_needs_no_secret() -> None:
    options = {"secret": None, "trusted_ips": "203.0.113.0/24"}
    assert judged({}, options, headers={}).status == 200
    assert judged({}, options, headers={}, peer="198.51.100.1").status == 403


def test_a_header_may_carry_the_token() -> None:
    options = {"header": "X-Deploy-Key"}
    assert judged({}, options, headers={"x-deploy-key": "s3cret"}).status == 200
    assert judged({}, options, headers={"x-deploy-key": "S3CRET"}).message == "Wrong token in X-Deploy-Key."
    assert judged({}, options, headers=TOKEN).message == "There is no X-Deploy-Key."


@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_a_header_may_carry_a_signature(prefix: str) -> None:
    payload = {"x": 1}
    headers = {"x-signature": prefix + digest(payload)}
    assert judged(payload, {"header": "X-Signature"}, headers=headers).status == 200
    assert judged({"x": 2}, {"header": "X-Signature"}, headers=headers).status == 403


@pytest.mark.parametrize("header", ["", "X Token", "X:Token", "Ünicode"])
def test_a_header_has_to_have_a_name(header: str) -> None:
    assert "header is not" in refusal(secret="s", header=header)


def test_a_header_without_a_secret_proves_nothing() -> None:
    assert "proves nothing" in refusal(trusted_ips="10.0.0.1", header="X-Token")


def test_a_hook_without_a_branch_builds_once() -> None:
    judgement = judged({"hello": "world"})
    assert judgement == Judgement(200, "Payload validated.", ({},))


@pytest.mark.parametrize("options", [{"branches": ["main"]}, {"branch": "build.branch"}])
def test_a_hook_without_a_branch_is_refused_where_one_is_wanted(options: dict[str, Any]) -> None:
    judgement = judged({"hello": "world"}, options)
    assert judgement.status == 400
    assert judgement.message.startswith("There is no branch in the payload")


def test_only_the_branches_that_are_named_are_built() -> None:
    assert judged({"branch": "main"}, {"branches": ["release/*"]}).status == 403
    assert judged({"branch": "release/2"}, {"branches": ["release/*"]}).status == 200


def test_the_branch_may_be_anywhere_in_the_payload() -> None:
    payload = {"build": {"vcs": [{"name": "other"}, {"name": "feature/y"}]}}
    assert judged(payload, {"branch": "build.vcs.1.name"}).builds[0]["branch"] == "feature/y"
    assert judged(payload, {"branch": "build.vcs.2.name"}).status == 400
    assert judged(payload, {"branch": "build.vcs.first.name"}).status == 400


def test_params_are_taken_out_of_the_payload() -> None:
    payload = {
        "branch": "main",
        "build": {"number": 17, "ok": True, "load": 0.5, "by": "ci", "none": None},
    }
    params = {name: f"build.{name}" for name in ("number", "ok", "load", "by", "none", "missing")}
    assert judged(payload, {"params": params}).builds == (
        {
            "branch": "main",
            "ref": "refs/heads/main",
            "number": "17",
            "ok": "true",
            "load": "0.5",
            "by": "ci",
        },
    )


def test_params_come_without_a_branch_as_well() -> None:
    judgement = judged({"who": "me"}, {"params": {"user": "who"}})
    assert judgement.builds == ({"user": "me"},)


@pytest.mark.parametrize(
    "value", [[1], {"a": 1}, 1 << 20_000, "a\x00b", "x" * 10_001], ids=lambda value: type(value).__name__
)
def test_a_param_is_a_text_or_a_number(value: object) -> None:
    payload = {"x": value}
    provider = PROVIDERS["generic"]
    config = provider.read(OPTIONS | {"params": {"x": "x"}})
    assert provider.judge(config, Hook("POST", TOKEN, b"", payload, "10.0.0.1")).status == 400


@pytest.mark.parametrize(
    "params", ["x", ["x"], {"x": 1}, {1: "x"}, {"a b": "x"}, {"{x}": "x"}, {"x": ["a", "b"]}]
)
def test_params_are_a_map_of_placeholders_and_paths(params: object) -> None:
    assert "params" in refusal(secret="s", params=params)


def test_a_tag_is_built_if_it_is_wanted() -> None:
    (build,) = judged({"ref": "refs/tags/v2"}, {"tags": ["v*"]}).builds
    assert build["tag"] == "v2"
    assert judged({"ref": "refs/tags/v2"}).builds == ()


def test_a_deleted_branch_builds_nothing() -> None:
    assert judged({"ref": "refs/heads/x", "after": "0" * 40}).message.endswith("branch x was deleted.")


def test_a_branch_is_what_git_takes_for_one() -> None:
    assert judged({"branch": "two words"}).status == 400
    assert judged({"branch": {"name": "main"}}).status == 400


def test_a_delivery_is_known_by_its_id_alone() -> None:
    assert judged({}, headers=TOKEN | {"x-delivery-id": "7", "idempotency-key": "8"}).delivery == (
        "generic:7",
    )
    assert judged({}, headers=TOKEN | {"idempotency-key": "8"}).delivery == ("generic:8",)
    signed = {"x-hub-signature-256": digest({})}
    assert judged({}, headers=signed).delivery == ()
