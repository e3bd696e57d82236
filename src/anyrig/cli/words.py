"""How the commands say things: states, times, durations, one result in one line."""

import re
from datetime import datetime
from typing import Any

from anyrig.cli.exits import Refused
from anyrig.core.wording import duration_text

Json = dict[str, Any]


def job_number(text: str) -> int:
    """The number of a job given as a number or as its uid, ``/node/XXXX/12``. Raises Refused."""
    last = text.rstrip("/").rpartition("/")[2]
    if not (last.isascii() and last.isdigit()):
        raise Refused(f"'{text}' is neither the number nor the uid of a job.", 400)
    return int(last)


_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS), re.ASCII)


def seconds(text: str) -> int:
    """``30m``, ``12h``, ``1d12h``, ``90s``. Raises Refused."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise Refused(f"'{text}' is no duration; one is '30m', '12h' or '1d12h'.", 400)
    return sum(int(number or 0) * size for number, size in zip(found.groups(), _UNITS.values(), strict=True))


def pairs(field: str, given: list[str] | None) -> dict[str, str | None]:
    """``name=value`` and ``name`` as a mapping; None is no value. Raises Refused."""
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not name:
            raise Refused(f"{field} '{text}' has no name before the '='.", 400)
        found[name] = value if equals else None
    return found


def moment(text: str | None) -> str:
    """A time of the API as people here write it."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else "-"


def first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def test_name(job: Json, test: str) -> str:
    """As ``anyrig run`` takes it."""
    return test if job["kind"] == "python" else f"{job['kind']}:{test}"


def counts(job: Json) -> str:
    """``2 passed, 1 failed, 1 error``."""
    numbers = job["counts"]
    errors = f"{numbers['error']} error{'' if numbers['error'] == 1 else 's'}"
    return f"{numbers['pass']} passed, {numbers['fail']} failed, {errors}"


def summary(job: Json) -> str:
    """One sentence about a job that is over, or not yet."""
    end = f" by {job['stopped_by']}" if job["state"] == "stopped" and job["stopped_by"] else ""
    times = [job["started"] or job["created"], job["ended"]]
    took = ""
    if all(times):
        started, ended = (datetime.fromisoformat(time) for time in times)
        took = f" in {duration_text((ended - started).total_seconds())}"
    return f"Job {job['number']} {_STATES.get(job['state'], job['state'])}{end}{took}: {counts(job)}."


_STATES = {
    "queued": "is waiting",
    "placed": "is starting",
    "running": "is running",
    "stopping": "is stopping",
    "finished": "has finished",
    "stopped": "was stopped",
    "lost": "was lost",
}


def standing(state: Json) -> str:
    """Where the job is, or why it waits; empty once it is over."""
    job, tasks = state["job"], state["tasks"]
    if job["over"]:
        return ""
    waiting = next((task["reason"] for task in tasks if task["state"] == "queued"), None)
    if waiting is not None:
        return f"Waiting. {waiting}".strip()
    nodes = ", ".join(dict.fromkeys(task["node"] for task in tasks if task["node"]))
    return {"placed": f"Starting on {nodes}.", "stopping": "Stopping."}.get(
        job["state"], f"Running on {nodes}."
    )


def result_line(job: Json, result: Json) -> str:
    """``fail   tests/menu.py::test_x  3.4 s  there is no menu``."""
    name, took = test_name(job, result["test"]), duration_text(result["seconds"])
    return f"{result['verdict']:5}  {name}  {took}  {first_line(result['reason'])}".rstrip()
