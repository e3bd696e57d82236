"""Webhooks as git hosts send them, and as people forge them."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lab import until
from sloth_farm import running

if TYPE_CHECKING:
    from sloth_farm import Sloth

SECRET = "it-is-secret"
EVIL = "x;touch${IFS}pwned"


@pytest.fixture
def web(sloth: "Sloth") -> Iterator[httpx.Client]:
    """Somebody on the web."""
    with httpx.Client(base_url=sloth.url, timeout=60) as client:
        yield client


def github(branch: str = "main", **more: Any) -> bytes:
    push = {
        "ref": f"refs/heads/{branch}",
        "before": "1" * 40,
        "after": "2" * 40,
        "deleted": False,
        "repository": {"name": "shop", "full_name": "ada/shop", "owner": {"name": "ada", "login": "ada"}},
        "pusher": {"name": "ada"},
    }
    return json.dumps(push | more).encode()


def headers(body: bytes, delivery: str, secret: str = SECRET, event: str = "push") -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={signature}",
    }


def app(
    sloth: "Sloth", name: str, proof: Path, options: str = "", provider: str = "github", **more: str
) -> str:
    """Each of its builds writes the branch into the file ``proof``."""
    known = {"github": "owner: ada, repo: shop", "bitbucket": "owner: ada, repo: shop"}.get(
        provider, "repo: shop"
    )
    lines = "\n".join(f"{key}: {value}" for key, value in more.items())
    config = (
        f"id: {name}\nprovider: {{{provider}: {{{known}{options}}}}}\n"
        f"actions:\n  - 'printf \"%s\\n\" {{branch}} >> {proof}'\nwork_dir: {proof.parent}\n{lines}"
    )
    made = sloth.ask("create", config_string=config)
    assert made.status_code == 201, made.text
    return f"/{name}"


def messages(sloth: "Sloth", name: str, level: int = 20) -> list[str]:
    found = sloth.ask("logs", listen_point=name, level=str(level), per_page="-1").json()
    return [each["message"] for each in found]


def builds(sloth: "Sloth", name: str) -> int:
    """How many were asked for so far."""
    return sum(line.startswith("Triggered") for line in messages(sloth, name, 10))


def test_a_signed_push_builds_its_branch(sloth: "Sloth", web: httpx.Client, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    address = app(sloth, "hook-signed", proof, f", secret: {SECRET}")
    body = github("feature/x")
    taken = web.post(address, content=body, headers=headers(body, "d-1"))
    assert (taken.status_code, taken.content, taken.headers["content-type"].split(";")[0]) == (
        200,
        b"",
        "text/html",
    )
    until(proof.exists, "the build")
    until(lambda: "Completed 1/1" in messages(sloth, "hook-signed"), "its end")
    assert proof.read_text() == "feature/x\n"
    assert "Valid payload received" in messages(sloth, "hook-signed")
    assert any(
        re.match(r"Payload received from 127\.0\.0\.1 - ", line)
        for line in messages(sloth, "hook-signed", 10)
    )
    found = sloth.http.get("/api/v3/results", params={"filter": "testcase:hook-signed"})
    result = found.json()["results"][0]
    assert result["user"] == "github-webhook"


def test_a_forged_signature_does_nothing_and_the_log_says_so(
    sloth: "Sloth", web: httpx.Client, tmp_path: Path
) -> None:
    address, body = app(sloth, "hook-forged", tmp_path / "proof", f", secret: {SECRET}"), github()
    good = headers(body, "d-1")
    forged = [
        headers(body, "d-1", secret="guessed"),
        {name: value for name, value in good.items() if not name.startswith("x-hub")},
        good | {"x-hub-signature-256": "sha256="},
        good | {"x-hub-signature-256": good["x-hub-signature-256"][:-1]},
        good | {"x-forwarded-for": "192.30.252.10", "x-hub-signature-256": "sha1=00"},
    ]
    for each in forged:
        assert web.post(address, content=body, headers=each).status_code == 403
    assert web.post(address, content=body + b" ", headers=good).status_code == 403
    assert builds(sloth, "hook-forged") == 0
    assert len(messages(sloth, "hook-forged", 30)) == len(forged) + 1


def test_a_forged_address_does_nothing(sloth: "Sloth", web: httpx.Client, tmp_path: Path) -> None:
    address, body = app(sloth, "hook-address", tmp_path / "proof"), github()
    plain = {"content-type": "application/json"}
    for more in ({}, {"x-forwarded-for": "192.30.252.10"}, {"x-forwarded-for": "1.2.3.4, 192.30.252.10"}):
        refused = web.post(address, content=body, headers=plain | more)
        assert (refused.status_code, refused.text) == (403, "Unverified remote IP: 127.0.0.1.")
    assert builds(sloth, "hook-address") == 0
    assert "Unverified remote IP: 127.0.0.1." in messages(sloth, "hook-address", 30)


def test_a_proxy_that_is_trusted_says_for_whom_it_asks(tmp_path: Path) -> None:
    with running(tmp_path, 0, ANYRIG_TRUSTED_PROXIES='["127.0.0.0/8"]') as sloth:
        address = app(sloth, "hook-proxied", tmp_path / "proof")
        with httpx.Client(base_url=sloth.url) as proxy:
            for said, status in (
                ("192.30.252.10", 200),
                ("192.30.252.10, 198.51.100.1", 403),
                ("198.51.100.1, 192.30.252.10", 200),
                ("192.30.252.10, nonsense", 403),
                ("", 403),
            ):
                body = github(after=f"{len(said):040}")
                sent = {"content-type": "application/json", "x-forwarded-for": said}
                assert proxy.post(address, content=body, headers=sent).status_code == status, said


def test_a_delivery_that_comes_again_builds_nothing_more(
    sloth: "Sloth", web: httpx.Client, tmp_path: Path
) -> None:
    address, body = app(sloth, "hook-replay", tmp_path / "proof", f", secret: {SECRET}"), github()
    assert web.post(address, content=body, headers=headers(body, "d-1")).status_code == 200
    again = web.post(address, content=body, headers=headers(body, "d-1"))
    renamed = web.post(address, content=body, headers=headers(body, "d-2"))
    assert (again.status_code, renamed.status_code) == (200, 200)
    assert builds(sloth, "hook-replay") == 1
    other = github(after="3" * 40)
    assert web.post(address, content=other, headers=headers(other, "d-3")).status_code == 200
    assert builds(sloth, "hook-replay") == 2


@pytest.mark.parametrize("quotes", ["", '"', "'"])
def test_a_branch_that_is_a_command_runs_no_command(
    sloth: "Sloth", web: httpx.Client, tmp_path: Path, quotes: str
) -> None:
    name = f"hook-evil-{len(quotes)}{ord(quotes or ' ')}"
    made = sloth.ask(
        "create",
        config_string=json.dumps(
            {
                "id": name,
                "provider": {"github": {"owner": "ada", "repo": "shop", "secret": SECRET}},
                "work_dir": str(tmp_path),
                "actions": [f"echo {quotes}{{branch}}{quotes} $SLOTH_PARAM_BRANCH", "true"],
            }
        ),
    )
    assert made.status_code == 201, made.text
    for number, branch in enumerate((EVIL, "$(touch${IFS}pwned)", "`touch${IFS}pwned`", "-x")):
        body = github(branch, after=str(number + 3) * 40)
        answer = web.post(f"/{name}", content=body, headers=headers(body, f"d-{number}"))
        assert answer.status_code in {200, 400}
    asked = builds(sloth, name)
    until(lambda: len(sloth.ask("history", listen_point=name).json()) == asked, "all builds")
    assert list(tmp_path.iterdir()) == []


def test_pings_and_deletions_and_other_events_build_nothing(
    sloth: "Sloth", web: httpx.Client, tmp_path: Path
) -> None:
    address = app(sloth, "hook-nothing", tmp_path / "proof", f", secret: {SECRET}")
    hooks: list[tuple[str, dict[str, Any]]] = [
        ("ping", {"zen": "Keep it logically awesome."}),
        ("push", {"deleted": True, "after": "0" * 40}),
        ("star", {}),
    ]
    for number, (event, more) in enumerate(hooks):
        body = github(**more)
        taken = web.post(address, content=body, headers=headers(body, f"n-{number}", event=event))
        assert taken.status_code == 200
    assert builds(sloth, "hook-nothing") == 0


def test_only_branches_that_are_wanted_build(sloth: "Sloth", web: httpx.Client, tmp_path: Path) -> None:
    address = app(
        sloth, "hook-branches", tmp_path / "proof", f", secret: {SECRET}, branches: [main, 'release/*']"
    )
    answers = {}
    for number, branch in enumerate(("main", "release/1", "topic")):
        body = github(branch)
        answers[branch] = web.post(address, content=body, headers=headers(body, f"b-{number}")).status_code
    assert answers == {"main": 200, "release/1": 200, "topic": 403}
    assert builds(sloth, "hook-branches") == 2


def test_one_push_of_several_branches_builds_each(sloth: "Sloth", web: httpx.Client, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    address = app(sloth, "hook-several", proof, f", secret: {SECRET}", provider="bitbucket")
    changes = [
        {"new": {"type": "branch", "name": name, "target": {"hash": "2" * 40}}, "old": None}
        for name in ("one", "two")
    ]
    push = {
        "push": {"changes": [*changes, {"new": None, "old": {"type": "branch", "name": "gone"}}]},
        "repository": {"full_name": "ada/shop", "name": "shop"},
        "actor": {"nickname": "ada"},
    }
    body = json.dumps(push).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    sent = {
        "content-type": "application/json",
        "x-event-key": "repo:push",
        "x-request-uuid": "u-1",
        "x-hub-signature": f"sha256={signature}",
    }
    for _ in range(2):
        assert web.post(address, content=body, headers=sent).status_code == 200
    until(lambda: proof.exists() and len(proof.read_text().split()) == 2, "both builds")
    assert sorted(proof.read_text().split()) == ["one", "two"]
    assert builds(sloth, "hook-several") == 2


def test_forms_as_github_sends_them_are_read(sloth: "Sloth", web: httpx.Client, tmp_path: Path) -> None:
    address = app(sloth, "hook-form", tmp_path / "proof", f", secret: {SECRET}")
    body = str(httpx.QueryParams({"payload": github().decode()})).encode()
    sent = headers(body, "f-1") | {"content-type": "application/x-www-form-urlencoded"}
    assert web.post(address, content=body, headers=sent).status_code == 200
    assert builds(sloth, "hook-form") == 1


def test_a_body_that_is_none_is_refused_in_one_sentence(
    sloth: "Sloth", web: httpx.Client, tmp_path: Path
) -> None:
    address = app(sloth, "hook-body", tmp_path / "proof", f", secret: {SECRET}")
    answers = [
        (web.post(address, content=b"{", headers=headers(b"{", "g")), 400),
        (web.post(address, content=b"[]", headers=headers(b"[]", "g")), 400),
        (web.post(address, content=b"[" * 100_000, headers={"content-type": "application/json"}), 400),
        (web.post(address, content=b"x", headers={"content-type": "text/plain"}), 415),
        (web.post(address, content=b"x" * (11 << 20), headers={"content-type": "application/json"}), 413),
        (web.get(address), 405),
        (web.post("/no-such-app", content=b"{}"), 404),
    ]
    for answer, status in answers:
        assert answer.status_code == status, answer.text
        assert 0 < len(answer.text) < 300
    sloth.created("hook-none", "exit 0")
    declined = web.post("/hook-none", content=b"{}")
    assert (declined.status_code, declined.text) == (400, "No provider set, declining all payloads")
    assert web.post(f"{address}/", content=b"{", headers=headers(b"{", "g")).status_code == 400


def test_a_badge_shows_the_last_build_to_everybody_if_the_app_wants_it(
    sloth: "Sloth", web: httpx.Client
) -> None:
    sloth.created("badge-none", "exit 0")
    sloth.created(
        "badge-app", "exit 0", more="extensions: {badge: {module: shields_io, label: '<b>{app}'}}\n"
    )
    sloth.built("badge-none")
    wanted = {"action": "shield"}
    assert web.get("/badge-none", params=wanted).status_code != 200
    assert web.get("/badge-app", params=wanted).status_code == 404
    sloth.built("badge-app")
    shown = web.get("/badge-app", params=wanted | {"style": "flat-square"})
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/svg+xml")
    assert "Completed 1/1" in shown.text
    assert "&lt;b&gt;badge-app" in shown.text
    assert "<b>" not in shown.text
