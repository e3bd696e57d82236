"""The API as ``curl`` speaks it: what the real server was seen to answer, and what it should have."""

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lab import until

if TYPE_CHECKING:
    from sloth_farm import Sloth

CREATE = {"action": "create"}
REFUSALS: list[tuple[dict[str, str], int, str]] = [
    (CREATE, 400, "Missing parameter config_string"),
    ({"action": "bind"}, 400, 'Missing parameter "listen_point"'),
    ({"action": "bind", "listen_point": "x"}, 400, "Missing parameter config_file"),
    (
        {"action": "bind", "listen_point": "no-app", "config_file": "/f"},
        404,
        "Listen point 'no-app' not found",
    ),
    *(({"action": each}, 400, 'Missing parameter "listen_point"') for each in ("trigger", "info", "remove")),
    *(({"action": each}, 400, 'Missing parameter "listen_point"') for each in ("history", "logs")),
    *(
        ({"action": each, "listen_point": "no-app"}, 404, "Listen point 'no-app' not found")
        for each in ("trigger", "info", "remove", "history", "logs")
    ),
    ({"action": "dance"}, 404, "Action 'dance' not found"),
    ({}, 404, "Nothing matches the given URI: there is no action"),
]
NO_CONFIGS = [
    ("actions: []", "The \"'id'\" param is missing in the config"),
    ("id: 123", '"123" is not a valid config string'),
    ("just text", '"just text" is not a valid config string'),
    ("id: [", "Failed to create app: while parsing"),
    ("id: x\nprovider: github", "Failed to create app: provider is not a map"),
    ("id: x\nprovider: {svn: {}}", "No matching validator found: svn"),
    ("id: x\nprovider: {github: {}}", "Failed to create app: "),
    ("id: x\nparams: [1]", "Failed to create app: params is not a map"),
    ("id: x\nactions: true", "Failed to create app: actions is not a list"),
    ("id: x\nexec_timeout: soon", "Failed to create app: exec_timeout is not a number"),
    ("id: api/v2/nodes", "Failed to create app: The listen point 'api/v2/nodes' is reserved"),
    ("id: APP", "Failed to create app: The listen point 'APP' is reserved"),
    ("id: ../up", "Failed to create app: '../up' is not a listen point"),
    (
        "id: x\nextensions: {e: {module: openvz_exec}}",
        "Failed to create app: Could not load extension e: there",
    ),
    (
        "id: x\nextensions: {e: {module: webhooks}}",
        "Failed to create app: Could not load extension e: url is",
    ),
    ("id: !!python/object/apply:os.system ['touch /tmp/x']", "Failed to create app: could not determine"),
    ("a: &a [x, x]\nid: &b [*a, *a]\nc: [" + "*b, " * 200 + "]", "Failed to create app: the config has more"),
    ("id: " + "[" * 5000, "Failed to create app: the config is more than 20 levels deep"),
    ("id: x\nactions: ['" + "x" * 300_000 + "']", "Failed to create app: the config has more than 262144"),
]


def answer(sloth: "Sloth", method: str = "POST", **params: Any) -> httpx.Response:
    if method in {"GET", "HEAD"}:
        return sloth.http.request(method, "/", params=params)
    return sloth.http.request(method, "/", data=params)


@pytest.mark.parametrize(("params", "status", "sentence"), REFUSALS)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    sloth: "Sloth", params: dict[str, str], status: int, sentence: str
) -> None:
    found = answer(sloth, **params)
    assert (found.status_code, found.text) == (status, sentence)
    assert found.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("config", "sentence"), NO_CONFIGS, ids=range(len(NO_CONFIGS)))
def test_a_config_that_makes_no_sense_makes_no_app(sloth: "Sloth", config: str, sentence: str) -> None:
    before = sloth.ask("list").json()
    found = sloth.ask("create", config_string=config)
    assert found.status_code == 500
    assert found.text.startswith(sentence)
    assert len(found.text) < 1000
    assert sloth.ask("list").json() == before


def test_answers_are_json_as_python_writes_it(sloth: "Sloth") -> None:
    made = sloth.ask("create", config_string="id: json-app\nactions: ['true']")
    assert (made.status_code, made.text, made.headers["content-type"]) == (
        201,
        '"json-app"',
        "application/json",
    )
    assert sloth.ask("version").text == '"2.2.0"'
    listed = sloth.ask("list")
    assert listed.text == json.dumps(sorted(listed.json()))
    taken = sloth.ask("create", config_string="id: json-app")
    assert (taken.status_code, taken.text) == (409, "Listen point json-app is taken")
    bound = sloth.ask("bind", listen_point="json-app", config_file="/nowhere/app.yml")
    assert (bound.status_code, bound.text) == (200, "null")
    info = sloth.ask("info", listen_point="json-app").json()
    assert info == {
        "config_file": "/nowhere/app.yml",
        "last_build_status_message": "Never triggered",
        "last_build_status_level": "Never triggered",
        "last_build_timestamp": 0,
    }
    triggered = sloth.ask("trigger", listen_point="json-app", wait="")
    assert (triggered.status_code, triggered.text) == (202, "null")
    gone = sloth.ask("remove", listen_point="json-app")
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["content-type"] == "application/json"


def test_any_text_in_wait_waits_and_the_answer_is_what_was_said_last(sloth: "Sloth") -> None:
    sloth.created("wait-app", "echo {word}", "exit 1")
    done = sloth.ask("trigger", listen_point="wait-app", wait="0", word="hi")
    assert (done.status_code, done.json()) == (200, "Partially completed: 1/2")
    info = sloth.ask("info", listen_point="wait-app").json()
    assert info["last_build_status_message"] == "Partially completed: 1/2"
    assert info["last_build_status_level"] == "WARNING"
    assert abs(info["last_build_timestamp"] - time.time()) < 60


def test_everybody_who_waits_is_told_of_their_own_build(sloth: "Sloth") -> None:
    sloth.created("own-app", "exit {code}")
    codes = ["0", "1", "0", "1"]
    found: dict[int, str] = {}

    def one(number: int) -> None:
        found[number] = sloth.built("own-app", code=codes[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(codes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = {"0": "Completed 1/1", "1": "None completed: 0/1"}
    assert [found[number] for number in range(len(codes))] == [said[code] for code in codes]


def test_a_browser_is_sent_on_when_the_build_has_ended(sloth: "Sloth") -> None:
    sloth.created("redirect-app", "exit {code}")
    urls = {"success_url": "http://ci.example.com/ok", "fail_url": "http://ci.example.com:9/ko"}
    for code, target in (("0", urls["success_url"]), ("1", urls["fail_url"])):
        done = sloth.ask("trigger", listen_point="redirect-app", wait="1", code=code, **urls)
        assert (done.status_code, done.headers["location"]) == (303, target)
    for url in ("javascript:alert(1)", "//example.com", "/here", "http://[", "http://x\r\nSet-Cookie: a=b"):
        done = sloth.ask("trigger", listen_point="redirect-app", wait="1", code="0", success_url=url)
        assert "set-cookie" not in done.headers
        assert done.status_code == 200 or done.headers["location"].startswith("http://x")


def test_records_come_in_pages_the_newest_first(sloth: "Sloth") -> None:
    sloth.created("page-app", "exit {code}")
    for code in "01010":
        sloth.built("page-app", code=code)

    def page(action: str = "history", **more: str) -> list[str]:
        found = sloth.ask(action, listen_point="page-app", **more).json()
        times = [each["timestamp"] for each in found]
        assert times == sorted(times, reverse=True)
        return [each["message"] for each in found]

    good, bad = "Completed 1/1", "None completed: 0/1"
    every = [good, bad, good, bad, good]
    assert page() == every
    assert page(level="30") == [bad, bad]
    assert page(level="WARNING") == [bad, bad]
    assert page(per_page="2") == every[:2]
    assert page(per_page="2", from_page="2") == every[2:4]
    assert page(per_page="2", from_page="2", to_page="1") == every[2:4]
    assert page(per_page="2", from_page="1", to_page="2") == every[:4]
    assert page(per_page="2", from_page="-5") == every[:2]
    assert page(per_page="2", from_page="9") == []
    assert page(per_page="0") == []
    assert page(per_page="-1") == every
    assert len(page(per_page="-1", level="10")) == 10
    assert [line for line in page("logs", per_page="-1") if line in {good, bad}] == every
    record = sloth.ask("logs", listen_point="page-app", level="10", per_page="1").json()[0]
    assert record.keys() == {"timestamp", "logger_name", "level_name", "level_number", "message"}
    assert (record["logger_name"], record["level_name"], record["level_number"]) == (
        "page-app.build",
        "INFO",
        20,
    )
    for name in ("from_page", "to_page", "per_page", "level"):
        wrong = sloth.ask("logs", listen_point="page-app", **{name: "x"})
        assert wrong.status_code == 500
        assert wrong.text == "Failed to get app logs: invalid literal for int() with base 10: 'x'"
    huge = sloth.ask("logs", listen_point="page-app", from_page="9" * 30)
    assert (huge.status_code, huge.text) == (500, f"Failed to get app logs: {'9' * 20} is too large")


def test_parameters_come_from_the_address_and_from_forms_of_both_kinds(sloth: "Sloth") -> None:
    sloth.created("form-app", "echo '{word}' {twice}")
    mixed = sloth.http.post(
        "/?action=trigger&word=one&twice=a", data={"listen_point": "form-app", "twice": "b", "wait": "1"}
    )
    assert mixed.json() == "Completed 1/1"
    several = {"action": "trigger", "listen_point": "form-app", "wait": "1", "word": "é", "twice": "c"}
    form = sloth.http.post("/", files={name: (None, value.encode()) for name, value in several.items()})
    assert form.json() == "Completed 1/1"
    said = [
        each["message"]
        for each in sloth.ask("logs", listen_point="form-app", level="10", per_page="-1").json()
    ]
    assert "stdout: é c\n" in said
    assert "stdout: one ['a', 'b']\n" in said
    for method in ("PUT", "DELETE"):
        assert (
            sloth.http.request(method, "/?action=info", data={"listen_point": "form-app"}).status_code == 200
        )
    assert sloth.http.post("//", data={"action": "list"}).status_code == 200
    assert sloth.http.head("/", params={"action": "list"}).status_code == 200


def test_a_link_only_reads_unless_the_app_says_that_it_may_build(sloth: "Sloth") -> None:
    sloth.created("closed-app", "exit 0")
    sloth.created("open-app", "exit 0", more="trigger_by_get: true\nredirect_hosts: [example.com]\n")
    for action in ("create", "bind", "remove", "restart", "stop", "trigger"):
        found = answer(sloth, "GET", action=action, listen_point="closed-app")
        assert (found.status_code, found.headers["allow"]) == (405, "POST")
    for action in ("version", "list", "info", "history", "logs"):
        assert answer(sloth, "GET", action=action, listen_point="closed-app").status_code == 200
    done = answer(sloth, "GET", action="trigger", listen_point="open-app", wait="1")
    assert (done.status_code, done.json()) == (200, "Completed 1/1")
    for url, status in (("http://evil.example/", 200), ("https://example.com/ok", 303)):
        done = answer(sloth, "GET", action="trigger", listen_point="open-app", wait="1", success_url=url)
        assert done.status_code == status


def test_a_page_of_another_site_cannot_use_what_a_browser_remembers(sloth: "Sloth") -> None:
    sloth.created("guarded-app", "exit 0", more="trigger_by_get: true\n")
    form = {"action": "trigger", "listen_point": "guarded-app"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert sloth.http.post("/", data=form, headers=headers).status_code == 403
        assert sloth.http.get("/", params=form, headers=headers).status_code == 403
    own = {"origin": sloth.url, "sec-fetch-site": "same-origin"}
    assert sloth.http.post("/", data=form, headers=own).status_code == 202


def test_nobody_gets_in_without_a_password_and_everybody_only_as_far_as_their_role(sloth: "Sloth") -> None:
    sloth.created("role-app", "exit 0")
    with httpx.Client(base_url=sloth.url) as nobody:
        for auth in (None, ("admin", "wrong"), ("admin", ""), ("nobody", "no.token")):
            found = nobody.post(
                "/",
                data={"action": "list"},
                auth=httpx.BasicAuth(*auth) if auth else httpx.USE_CLIENT_DEFAULT,
            )
            assert found.status_code == 401
            assert found.headers["www-authenticate"] == 'Basic realm="sloth-ci", charset="UTF-8"'
            assert found.text == "The access token is missing or not valid."
    allowed = {
        "viewer": {"list": 200, "info": 200, "logs": 200, "trigger": 403, "remove": 403, "stop": 403},
        "operator": {"trigger": 202, "bind": 200, "restart": 403, "stop": 403},
    }
    for role, answers in allowed.items():
        with httpx.Client(base_url=sloth.url, auth=("any", sloth.new_token(f"sloth-{role}", role))) as client:
            for action, status in answers.items():
                form = {"action": action, "listen_point": "role-app", "config_file": "/f"}
                found = client.post("/", data=form)
                assert found.status_code == status, (role, action, found.text)
    assert sloth.ask("create", config_string="id: role-app").status_code == 409


def test_builds_of_one_app_run_one_after_the_other_in_order(sloth: "Sloth", tmp_path: Path) -> None:
    order = tmp_path / "order"
    sloth.created("fifo-app", f"echo begin {{n}} >> {order}; sleep 0.2; echo end {{n}} >> {order}")
    for number in range(4):
        assert sloth.ask("trigger", listen_point="fifo-app", n=str(number)).status_code == 202
    sloth.built("fifo-app", n="last")
    names = [str(number) for number in range(4)] + ["last"]
    assert order.read_text().split("\n")[:-1] == [
        f"{word} {name}" for name in names for word in ("begin", "end")
    ]


def test_apps_run_side_by_side(sloth: "Sloth", tmp_path: Path) -> None:
    """Each waits for the other: one after the other they would never end."""
    for one, other in (("left", "right"), ("right", "left")):
        meet = f"touch {tmp_path}/{one}; until [ -e {tmp_path}/{other} ]; do sleep 0.05; done"
        sloth.created(f"{one}-app", meet, more="exec_timeout: 30\n")
    assert sloth.ask("trigger", listen_point="left-app").status_code == 202
    assert sloth.built("right-app") == "Completed 1/1"


def test_a_removed_app_ends_what_was_asked_for_and_its_name_starts_anew(
    sloth: "Sloth", tmp_path: Path
) -> None:
    gate, proof = tmp_path / "gate", tmp_path / "proof"
    sloth.created("again-app", f"until [ -e {gate} ]; do sleep 0.05; done; echo done >> {proof}")
    for _ in range(2):
        sloth.ask("trigger", listen_point="again-app")
    assert sloth.ask("remove", listen_point="again-app").status_code == 204
    sloth.created("again-app", "exit 0")
    gate.touch()
    until(lambda: proof.exists() and proof.read_text() == "done\n" * 2, "both builds")
    assert sloth.built("again-app") == "Completed 1/1"
    said = [each["message"] for each in sloth.ask("logs", listen_point="again-app", per_page="-1").json()]
    assert said.count("Listening on again-app") == 1
    assert not any("touch" in line or "sleep" in line for line in said)


def test_names_do_not_leak_into_each_other(sloth: "Sloth") -> None:
    for name in ("dot", "dot.build", "dot.sub", "dot/sub"):
        sloth.created(name, f"echo from {name}")
        sloth.built(name)
    for name in ("dot", "dot.build", "dot.sub", "dot/sub"):
        found = sloth.ask("logs", listen_point=name, level="10", per_page="-1").json()
        said = [each["message"] for each in found]
        assert [line for line in said if line.startswith("stdout")] == [f"stdout: from {name}\n"]
        assert len(sloth.ask("history", listen_point=name).json()) == 1


def test_builds_are_results_like_all_others(sloth: "Sloth") -> None:
    sloth.created("seen-app", "echo {branch}", "exit 1")
    sloth.built("seen-app", branch="main")
    found = sloth.http.get("/api/v2/results", params={"filter": "testcase:seen-app"}).json()
    assert [(each["result"], each["test_case"]) for each in found] == [("fail", "seen-app")]
    assert found[0]["failure_reason"].startswith("Partially completed: 1/2")
    log = sloth.http.get(f"/api/v2/results{found[0]['result_id']}/artifacts/combined.log").text
    assert " main\n" in log
    csv = sloth.http.get("/api/v2/results.csv", params={"filter": "testcase:seen-app"}).text
    assert "seen-app" in csv
    junit = sloth.http.get("/api/v2/results.xml", params={"filter": "testcase:seen-app"}).text
    assert "Partially completed" in junit


def test_values_of_secret_params_are_nowhere_to_be_read(sloth: "Sloth") -> None:
    more = "params: {db_password: hunter2secret}\nsecret_params: [pin]\n"
    sloth.created("secret-app", "echo {db_password} {pin} {word}", more=more)
    sloth.built("secret-app", pin="4711-0815", word="shown")
    texts = [sloth.ask("logs", listen_point="secret-app", level="10", per_page="-1").text]
    job = sloth.http.get("/api/v3/jobs", params={"limit": 1}).json()["jobs"][0]
    texts += [json.dumps(job), sloth.http.get(f"/api/v3/jobs/{job['number']}/log").text]
    assert all("shown" in text for text in texts)
    assert not any("hunter2" in text or "4711" in text for text in texts)
