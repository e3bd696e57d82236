"""The portal's pages, as a browser asks for them."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anyrig.cli.events import parsed

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.native.conftest import Api, Gate


@pytest.fixture(scope="session")
def log_in(farm: "Farm") -> Iterator[Callable[[str], httpx.Client]]:
    """A browser that has logged in with this token."""
    browsers: list[httpx.Client] = []

    def make(token: str) -> httpx.Client:
        browsers.append(httpx.Client(base_url=farm.url, headers={"origin": farm.url}, timeout=60))
        answer = browsers[-1].post("/app/login", data={"token": token, "next": "/app/nodes"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/nodes")
        return browsers[-1]

    yield make
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="session")
def browser(farm: "Farm", log_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return log_in(farm.token)


def page(browser: httpx.Client, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    return answer.text


def plain(text: str) -> str:
    """What of a page is read by people."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_a_stranger_is_asked_for_a_token_and_comes_back(farm: "Farm") -> None:
    wanted = "/app/results?filter=result:fail&tz=UTC"
    asked = httpx.get(farm.url + wanted)
    assert asked.status_code == 303
    login = httpx.get(farm.url + asked.headers["location"]).text
    assert 'value="/app/results?filter=result:fail&amp;tz=UTC"' in login
    answer = httpx.post(
        farm.url + "/app/login", data={"token": farm.token, "next": wanted}, headers={"origin": farm.url}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/app"))


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/app/", "/\\evil.example", "/api/v3/jobs"]
)
def test_a_login_leads_nowhere_else(farm: "Farm", target: str) -> None:
    answer = httpx.post(
        farm.url + "/app/login", data={"token": farm.token, "next": target}, headers={"origin": farm.url}
    )
    assert answer.headers["location"] == "/app/results"


def test_a_bad_token_is_refused_and_asked_for_again(farm: "Farm") -> None:
    answer = httpx.post(farm.url + "/app/login", data={"token": "a.b"}, headers={"origin": farm.url})
    assert answer.status_code == 403
    assert "This token is not valid" in answer.text
    assert "set-cookie" not in answer.headers


def test_another_site_can_press_no_button(
    farm: "Farm", api: "Api", browser: httpx.Client, gate: "Gate"
) -> None:
    job = api.start("command:gate", params=gate.params)
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        for path in (f"/app/job/{job['number']}/stop", "/app/login"):
            assert browser.post(path, headers=headers).status_code == 403
    assert not api.get(f"/jobs/{job['number']}")["over"]
    gate.open()
    api.finish(job)


def test_the_shell_is_for_everybody_and_knows_no_secrets(farm: "Farm") -> None:
    for path in ("/app/", "/app"):
        shell = httpx.get(farm.url + path)
        assert shell.status_code == 200
        assert 'id="shell"' in shell.text
    script = httpx.get(farm.url + "/app/static/portal.js")
    assert script.headers["content-type"].startswith("text/javascript")


def test_no_page_asks_another_host_or_runs_inline_scripts(
    browser: httpx.Client, ran: Any, api: "Api"
) -> None:
    result = api.results(ran)[0]["result_id"]
    for path in (
        "/app/",
        "/app/results",
        f"/app/result{result}",
        "/app/jobs",
        f"/app/job/{ran['number']}",
        "/app/nodes",
    ):
        text = page(browser, path)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)|<[^>]*\son\w+=|<style|<[^>]*\sstyle=", text), path


def test_results_are_listed_as_the_filter_says(browser: httpx.Client, ran: Any) -> None:
    text = page(browser, f"/app/results?filter=job:{ran['uid']}%20result:fail")
    assert "unit::sums::divides" in text
    assert "unit::sums::adds" not in text
    assert "1 &lt; 2" in text


def test_a_filter_for_one_job_leads_to_it(browser: httpx.Client, ran: Any) -> None:
    assert f'href="/app/job/{ran["number"]}"' in page(browser, f"/app/results?filter=job:{ran['uid']}")


def test_a_selected_result_is_marked(browser: httpx.Client, api: "Api", ran: Any) -> None:
    chosen = api.results(ran)[1]["result_id"]
    text = page(browser, f"/app/results?filter=job:{ran['uid']}&selected_result={chosen}")
    assert text.count('id="selected"') == 1


@pytest.mark.parametrize("query", ["filter=colour:red", "sort=colour:asc", "tz=Moon", "cursor=x"])
def test_a_question_that_makes_no_sense_is_answered_beside_it(browser: httpx.Client, query: str) -> None:
    assert 'role="alert"' in page(browser, f"/app/results?{query}", 400)


def test_pages_of_results_follow_each_other(browser: httpx.Client, api: "Api", ran: Any) -> None:
    while len(api.get("/results", limit=1000)["results"]) <= 50:
        api.run(*["command:greet"] * 25)
    first = page(browser, "/app/results")
    following = re.search(r'href="(/app/results\?[^"]*cursor=[^"]*)"', first)
    assert following
    second = page(browser, unescape(following[1]))
    link = re.compile(r'href="(/app/result/[^"]*)"')
    assert link.findall(first)
    assert not set(link.findall(first)) & set(link.findall(second))


def test_a_result_shows_verdict_reason_traceback_log_and_files(
    browser: httpx.Client, api: "Api", ran: Any
) -> None:
    result = api.results(ran)[1]
    text = page(browser, f"/app/result{result['result_id']}")
    said = plain(text)
    order = [
        said.index(word)
        for word in ("fail", "unit::sums::divides", "1 < 2", "Traceback", "in sums", "Artifacts")
    ]
    assert order == sorted(order)
    for word in ("model=T-1000", "nightly/eu", "admin", "shop", ran["sha"][:12], "combined.log"):
        assert word in said
    history = re.search(r'href="(/app/results[^"]*)">History', text)
    assert history
    assert result["test"] in page(browser, unescape(history[1]))


def test_files_are_served_to_whoever_has_logged_in(
    browser: httpx.Client, farm: "Farm", api: "Api", ran: Any
) -> None:
    text = page(browser, f"/app/result{api.results(ran)[0]['result_id']}")
    found = re.search(r'href="([^"]*50%25\.txt)"', text)
    assert found
    assert browser.get(unescape(found[1])).content == b"0123456789"
    assert (
        browser.get(unescape(found[1]) + "?download").headers["content-disposition"].startswith("attachment")
    )
    assert httpx.get(farm.url + unescape(found[1])).status_code == 303


def test_what_a_test_prints_cannot_become_markup(browser: httpx.Client, api: "Api") -> None:
    job = api.run("command:greet", tags={"x": "<u>y</u>"})
    text = page(browser, f"/app/result{api.results(job)[0]['result_id']}")
    assert "Grüße &lt;b&gt;alle&lt;/b&gt;" in text
    assert "x=&lt;u&gt;y&lt;/u&gt;" in text


def test_a_job_is_followed_while_it_runs(browser: httpx.Client, api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    assert "Stop the job" in page(browser, f"/app/job/{job['number']}")
    log, pages = "", []
    with browser.stream("GET", f"/app/job/{job['number']}/events") as answer:
        for event in parsed(answer.iter_lines()):
            if event.name == "log":
                log += event.data
                gate.open()
            if event.name == "page":
                pages.append(plain(event.data))
    assert "released" in log
    assert pages[0].split()[0] in {"placed", "running", "queued"}
    assert pages[-1].startswith("pass")
    assert "gate" in pages[-1]
    assert log == browser.get(f"/app/job/{job['number']}/log").text
    assert "Stop the job" not in page(browser, f"/app/job/{job['number']}")


def test_a_job_is_stopped_by_its_button(browser: httpx.Client, api: "Api", gate: "Gate") -> None:
    job = api.start("command:gate", params=gate.params)
    answer = browser.post(f"/app/job/{job['number']}/stop")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/app/job/{job['number']}")
    assert api.finish(job)["stopped_by"] == "admin"
    assert "stopped by admin" in plain(page(browser, f"/app/job/{job['number']}"))


def test_a_viewer_sees_no_stop_button(
    log_in: Callable[[str], httpx.Client], token_of: Callable[[str, str], str], api: "Api", gate: "Gate"
) -> None:
    viewer, job = log_in(token_of("vera", "viewer")), api.start("command:gate", params=gate.params)
    assert "Stop the job" not in page(viewer, f"/app/job/{job['number']}")
    assert viewer.post(f"/app/job/{job['number']}/stop").status_code == 403
    gate.open()
    api.finish(job)


def test_jobs_and_nodes_are_listed(browser: httpx.Client, ran: Any) -> None:
    assert f'href="/app/job/{ran["number"]}"' in page(browser, "/app/jobs")
    assert "Every job is over." in page(browser, "/app/jobs?live")
    assert "local-3" in page(browser, "/app/nodes")


@pytest.mark.parametrize("path", ["/app/job/999999", "/app/result/a/b/1/c", "/app/jobs?cursor=x"])
def test_what_is_not_there_is_said_on_a_page(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code in {400, 404}
    assert "That did not work" in answer.text


def test_whoever_logs_out_is_a_stranger(farm: "Farm", log_in: Callable[[str], httpx.Client]) -> None:
    browser = log_in(farm.token)
    page(browser, "/app/nodes")
    assert browser.post("/app/logout").headers["location"] == "/app/login"
    assert browser.get("/app/nodes").status_code == 303
