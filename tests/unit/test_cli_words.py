"""How the commands read what they are given, and say what they found."""

from typing import Any

import pytest

from anyrig.cli import exits, words
from anyrig.cli.events import Event, parsed
from anyrig.cli.exits import Refused
from anyrig.cli.progress import Lines
from anyrig.cli.words import result_line, standing
from anyrig.core.errors import BadField, Forbidden, NodeBusy, NotFound, StoreFull, Unauthenticated

JOB: dict[str, Any] = {
    "number": 12,
    "kind": "command",
    "state": "finished",
    "over": True,
    "verdict": "fail",
    "created": "2018-10-10T13:13:20.000001Z",
    "started": "2018-10-10T13:13:21.000000Z",
    "ended": "2018-10-10T13:14:31.000000Z",
    "stopped_by": None,
    "counts": {"pass": 2, "fail": 1, "error": 0, "total": 3},
}
RESULT = {"verdict": "fail", "test": "unit", "seconds": 3.42, "reason": "no menu\nat all"}


@pytest.mark.parametrize("text", ["12", "/tv1/0a23/12", "/tv1/0a23/12/"])
def test_a_job_is_named_by_its_number_or_its_uid(text: str) -> None:
    assert words.job_number(text) == 12


@pytest.mark.parametrize("text", ["", "x", "/tv1/0a23/x", "-1", "1²"])
def test_anything_else_is_no_job(text: str) -> None:
    with pytest.raises(Refused, match="neither the number nor the uid"):
        words.job_number(text)


def test_pairs_may_have_no_value_and_values_may_have_anything() -> None:
    assert words.pairs("Tag", ["a=b=c", "flaky", "empty="]) == {"a": "b=c", "flaky": None, "empty": ""}
    assert words.pairs("Tag", None) == {}
    with pytest.raises(Refused, match="has no name"):
        words.pairs("Tag", ["=x"])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43_200), ("1d12h", 129_600), ("1h30m5s", 5405)]
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert words.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "-1h", "1.5h", "30m1h", "1 h", "²h"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is no duration"):
        words.seconds(text)


def test_a_job_is_summed_up_in_one_sentence() -> None:
    assert words.summary(JOB) == "Job 12 has finished in 1 min 10 s: 2 passed, 1 failed, 0 errors."
    stopped = JOB | {"state": "stopped", "stopped_by": "ada", "counts": JOB["counts"] | {"error": 1}}
    assert words.summary(stopped) == "Job 12 was stopped by ada in 1 min 10 s: 2 passed, 1 failed, 1 error."
    waiting = JOB | {"state": "queued", "started": None, "ended": None}
    assert words.summary(waiting) == "Job 12 is waiting: 2 passed, 1 failed, 0 errors."


def test_a_result_is_one_line() -> None:
    assert result_line(JOB, RESULT) == "fail   command:unit  3.4 s  no menu"


def test_times_are_shown_and_may_be_missing() -> None:
    assert words.moment(None) == "-"
    assert words.moment("2018-10-10T13:13:20.000001Z").startswith("2018-10-1")


@pytest.mark.parametrize(
    ("verdict", "over", "code"),
    [("pass", True, 0), ("fail", True, 1), ("error", True, 8), (None, False, 9)],
)
def test_the_exit_code_tells_a_failure_from_a_failing_lab(verdict: str | None, over: bool, code: int) -> None:
    assert exits.of_job({"verdict": verdict, "over": over}) == code


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 7), (403, 5), (404, 4), (409, 10), (410, 4), (422, 10), (429, 3), (500, 3), (None, 3)],
)
def test_each_refusal_of_the_server_has_its_exit_code(status: int | None, code: int) -> None:
    assert exits.exit_code(Refused("No.", status)) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unauthenticated(), 7),
        (Forbidden(user="ada", role="viewer", action="do it"), 5),
        (NotFound(what="node", name="x"), 4),
        (NodeBusy(node="x", reason="y"), 10),
        (BadField(field="x", reason="y"), 2),
        (StoreFull(reason="x"), 3),
    ],
)
def test_so_does_each_error_of_our_own(error: Exception, code: int) -> None:
    assert isinstance(error, Unauthenticated | Forbidden | NotFound | NodeBusy | BadField | StoreFull)
    assert exits.exit_code(error) == code


def test_events_are_read_from_lines() -> None:
    lines = [
        "event: log",
        "id: 1.5.0",
        'data: {"text":',
        'data: "x"}',
        "",
        ": still here",
        "",
        "data:1",
        "",
        "data: 2",
    ]
    assert list(parsed(lines)) == [
        Event("log", "1.5.0", {"text": "x"}),
        Event("message", "1.5.0", 1),
    ]


def state(job: dict[str, Any], **task: Any) -> dict[str, Any]:
    return {"job": job, "tasks": [{"state": "running", "node": "tv1", "reason": "", "running": None} | task]}


def test_a_job_that_waits_says_why() -> None:
    live = JOB | {"over": False, "state": "queued"}
    assert (
        standing(state(live, state="queued", reason="Node tv1 is offline."))
        == "Waiting. Node tv1 is offline."
    )
    assert standing(state(live | {"state": "running"})) == "Running on tv1."
    assert standing(state(live | {"state": "placed"})) == "Starting on tv1."
    assert standing(state(live | {"state": "stopping"})) == "Stopping."
    assert standing(state(JOB)) == ""


def test_lines_say_each_thing_once(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    live = JOB | {"over": False, "state": "running"}
    shown = Lines(JOB, log=True)
    for event in (
        Event("state", "", state(live)),
        Event("log", "", {"text": "é\n"}),
        Event("state", "", state(live)),
        Event("result", "", RESULT),
        Event("state", "", state(JOB)),
        Event("end", "", JOB),
    ):
        shown.show(event)
    told = capsysbinary.readouterr().out.decode()
    assert told == "Running on tv1.\né\nfail   command:unit  3.4 s  no menu\n"
