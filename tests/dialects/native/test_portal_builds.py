"""The portal's pages of builds, as a browser asks for them."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from anyrig.cli.events import parsed

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.native.conftest import Api, Builds, Gate

WAIT = "'until [ -e {gate} ]; do sleep 0.05; done'"
"""An action that lasts until there is this file."""
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser(farm: "Farm") -> Iterator[httpx.Client]:
    with farm.client() as client:
        client.headers["origin"] = farm.url
        yield client


@pytest.fixture
def viewer(farm: "Farm", token_of: Callable[[str, str], str]) -> Iterator[httpx.Client]:
    with farm.client(token_of("vera", "viewer")) as client:
        client.headers["origin"] = farm.url
        yield client


def page(browser: httpx.Client, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def plain(text: str) -> str:
    """What of a page is read by people."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def row(text: str, name: str) -> str:
    """The build's row of the list."""
    [found] = [each for each in text.split("<tr>") if f">{name}</a>" in each]
    return found


def records(text: str) -> list[str]:
    """The messages that a page shows, from its top."""
    return [unescape(each) for each in re.findall(r'<div class="said">(.*?)</div>', text, re.DOTALL)]


def run(browser: httpx.Client, api: "Api", name: str, params: str = "") -> int:
    """Press the button; the number of the job, which is over."""
    answer = browser.post(f"/app/build/{quote(name)}", data={"params": params})
    assert answer.status_code == 303, answer.text
    [number] = re.findall(r"^/app/job/(\d+)$", answer.headers["location"])
    api.finish({"number": number})
    return int(number)


def test_builds_are_listed_with_how_they_ended(
    browser: httpx.Client, builds: "Builds", gate: "Gate", api: "Api"
) -> None:
    builds.create("pages/never", more="provider: {gitlab: {secret: hush}}\nproject: website")
    builds.create("pages/good", "echo hello")
    builds.create("pages/bad", "!critical exit 3")
    builds.create("pages/half", "echo hello", "exit 3")
    builds.create("pages/busy", WAIT)
    for name in ("good", "bad", "half"):
        builds.run(f"pages/{name}")
    jobs = [builds.start("pages/busy", gate=str(gate.path)) for _ in range(2)]
    text = page(browser, "/app/builds")
    never = row(text, "pages/never")
    assert all(word in plain(never) for word in ("never ran", "website", "gitlab"))
    assert 'href="/app/build/pages/never"' in never
    assert '<span class="badge pass">Completed 1/1</span>' in row(text, "pages/good")
    assert '<span class="badge fail">Build failed</span>' in row(text, "pages/bad")
    assert '<span class="badge error">Partially completed: 1/2</span>' in row(text, "pages/half")
    assert '<span class="badge running">2</span>' in row(text, "pages/busy")
    gate.open()
    for job in jobs:
        api.finish(job)
    assert "running" not in row(page(browser, "/app/builds"), "pages/busy")


def test_the_pages_lead_to_each_other(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    builds.create("ways/there", "echo hello")
    number = run(browser, api, "ways/there")
    assert 'href="/app/builds"' in page(browser, "/app/results")
    text = page(browser, "/app/build/ways/there")
    assert f'href="/app/job/{number}"' in text
    results = re.search(r'href="(/app/results\?[^"]*)">Its results', text)
    assert results
    found = page(browser, unescape(results[1]))
    result = re.search(r'href="(/app/result/[^"]*)">ways/there', found)
    assert result
    assert 'href="/app/build/ways/there"' in page(browser, unescape(result[1]))
    job = page(browser, f"/app/job/{number}")
    assert 'href="/app/build/ways/there"' in job
    assert "builds at" not in plain(job)


def test_a_build_shows_what_it_does_and_what_was_said(
    browser: httpx.Client, farm: "Farm", builds: "Builds", api: "Api"
) -> None:
    more = "params: {who: Ada, api_password: hunter2, of: [a, b]}\nprovider: {gitlab: {secret: hush}}\n"
    builds.create("shown", "echo hello {who}", more=f"{more}work_dir: /tmp\nexec_timeout: 90")
    run(browser, api, "shown")
    text = page(browser, "/app/build/shown")
    said = plain(text)
    assert records(text)[:2] == ["Completed 1/1", "Finished"]
    assert records(text)[-1] == "Listening on shown"
    assert "<code>echo hello {who}</code>" in text
    assert f"<code>{farm.url}/shown</code>" in text
    assert "who=Ada\napi_password=********\nof=a\nof=b" in unescape(text)
    for word in ("gitlab", farm.node, "/tmp", "1 min 30 s", "admin"):
        assert word in said
    assert "hunter2" not in text
    assert "hush" not in text


def test_params_are_lines_of_a_form(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    builds.create("lines", "echo {a} {b} {c}", more="params: {a: 1, b: 2, c: 3}")
    number = run(browser, api, "lines", "a=x = y\r\n\r\n  b =\r\nc=1\r\nc=2\r\n")
    job = api.get(f"/jobs/{number}")
    assert job["params"] == {"a": "x = y", "b": "", "c": ["1", "2"]}
    assert "a=x = y" in plain(page(browser, f"/app/job/{number}"))
    assert "a=x = y" in plain(page(browser, "/app/build/lines"))
    [result] = api.results(job)
    assert "a=x = y" in plain(page(browser, f"/app/result{result['result_id']}"))


@pytest.mark.parametrize("line", ["a", "=b", "a\0=b", " = "])
def test_a_line_that_is_no_param_is_refused(browser: httpx.Client, builds: "Builds", line: str) -> None:
    builds.create("no-line", "echo hello")
    answer = browser.post("/app/build/no-line", data={"params": line})
    assert answer.status_code == 400
    assert "is not a line such as branch=main" in plain(answer.text)
    assert builds.messages("no-line", level="debug") == ["Listening on no-line"]


def test_levels_choose_what_is_shown(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    builds.create("levels", "echo hello", "exit 3")
    run(browser, api, "levels")
    everything = records(page(browser, "/app/build/levels?level=debug"))
    assert "stdout: hello" in [each.strip() for each in everything]
    assert records(page(browser, "/app/build/levels?level=warning")) == [
        "Partially completed: 1/2",
        "Execution failed: Exit code: 3",
    ]
    odd = page(browser, "/app/build/levels?level=<b>")
    assert records(odd) == records(page(browser, "/app/build/levels"))
    assert "stdout" not in odd


def test_pages_of_records_follow_each_other(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    builds.create("older", *[f"echo {number}" for number in range(40)])
    run(browser, api, "older")
    first = page(browser, "/app/build/older")
    link = re.search(r'href="([^"]*)">Older', first)
    assert link
    second = page(browser, unescape(link[1]))
    assert records(first) + records(second) == builds.messages("older", limit=1000)[::-1]
    assert "Older" not in second
    assert "data-fresh" in first
    assert "fresh.js" not in second
    assert "That did not work" in page(browser, "/app/build/older?cursor=x", 400)


def test_what_builds_say_cannot_become_markup(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    more = "params: {branch: '\"><script>alert(2)</script>'}\nextensions: {'<u>x': {module: file_logs}}"
    builds.create("evil<s>", f"echo {{branch}}; echo '{EVIL}'", more=more)
    number = run(browser, api, "evil<s>", f"branch={EVIL}\n{EVIL}=2")
    [result] = api.results({"uid": api.get(f"/jobs/{number}")["uid"]})
    assert any(EVIL in each for each in records(page(browser, "/app/build/evil%3Cs%3E?level=debug")))
    for path in (
        "/app/builds",
        "/app/build/evil%3Cs%3E",
        "/app/build/evil%3Cs%3E?level=debug",
        f"/app/job/{number}",
        f"/app/result{result['result_id']}",
        "/app/jobs",
    ):
        text = page(browser, path)
        assert "&lt;s&gt;" in text, path
        assert not re.search(r"<(?:img src=x|script>|s>|u>)", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)|<[^>]*\son\w+=|<style|<[^>]*\sstyle=", text), path
    with browser.stream("GET", f"/app/job/{number}/events") as answer:
        drawn = [event.data for event in parsed(answer.iter_lines()) if event.name == "page"]
    assert all("<img" not in each and "&lt;s&gt;" in each for each in drawn)
    assert drawn


def test_a_very_long_text_is_cut(browser: httpx.Client, builds: "Builds", api: "Api") -> None:
    builds.create("long", "printf 'x%.0s' $(seq 20000)")
    run(browser, api, "long")
    text = page(browser, "/app/build/long?level=debug")
    assert len(text) < 30_000
    assert "more characters" in text
    assert max(map(len, builds.messages("long", level="debug"))) > 20_000


def test_a_viewer_sees_neither_actions_nor_buttons(viewer: httpx.Client, builds: "Builds") -> None:
    builds.create("look", "echo secret-way", more="params: {who: Ada}")
    text = page(viewer, "/app/build/look")
    assert records(text) == ["Listening on look"]
    assert "secret-way" not in text
    assert "Ada" not in text
    assert "<textarea" not in text
    assert "<button" not in row(page(viewer, "/app/builds"), "look")
    assert viewer.post("/app/build/look").status_code == 403
    assert builds.messages("look", level="debug") == ["Listening on look"]


def test_another_sites_page_runs_nothing(browser: httpx.Client, builds: "Builds") -> None:
    builds.create("cross", "echo hello")
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert browser.post("/app/build/cross", headers=headers).status_code == 403
    assert builds.messages("cross", level="debug") == ["Listening on cross"]


def test_builds_of_other_projects_are_not_there(farm: "Farm", builds: "Builds") -> None:
    builds.create("foreign", "echo hello", more="project: theirs")
    with farm.client(farm.new_token("otto", "operator", ["ours"])) as otto:
        otto.headers["origin"] = farm.url
        assert "foreign" not in page(otto, "/app/builds")
        page(otto, "/app/build/foreign", 404)
        assert otto.post("/app/build/foreign").status_code == 404


def test_a_build_that_there_is_not_is_no_page(browser: httpx.Client) -> None:
    assert "There is no build &#39;no/body&#39;." in page(browser, "/app/build/no/body", 404)
    assert browser.post("/app/build/no/body").status_code == 404


def test_parts_that_are_kept_up_to_date_have_names(browser: httpx.Client, builds: "Builds") -> None:
    builds.create("fresh", "echo hello")
    for path, names in (("/app/builds", {"builds"}), ("/app/build/fresh", {"standing", "jobs", "records"})):
        text = page(browser, path)
        assert set(re.findall(r'id="(\w+)"[^>]* data-fresh', text)) == names
        assert 'src="/app/static/fresh.js"' in text
    assert browser.get("/app/static/fresh.js").headers["content-type"].startswith("text/javascript")
