"""Results that were removed: every question about them is answered by 410 and a sentence."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anyrig.storage.migrations import HEAD

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.stbt.conftest import Portal

Json = Any
DAY = 86_400
RULES = '{"days": 1, "keep_free_gb": 0}'


def age(farm: "Farm", job: Json, days: int = 3) -> None:
    """As if it had run so many days ago."""
    with sqlite3.connect(farm.data / "anyrig.sqlite", timeout=30) as db:
        earlier = days * DAY * 1_000_000
        db.execute("UPDATE results SET start = start - ? WHERE job_uid = ?", (earlier, job["job_uid"]))
        db.execute("UPDATE jobs SET ended = ended - ? WHERE uid = ?", (earlier, job["job_uid"]))
        found = db.execute(
            "SELECT sha256 FROM artifacts JOIN results ON results.id = result WHERE job_uid = ?",
            (job["job_uid"],),
        ).fetchall()
    long_ago = time.time() - days * DAY
    for (sha256,) in found:
        os.utime(path(farm, sha256), (long_ago, long_ago))


def path(farm: "Farm", sha256: str) -> Path:
    return farm.data / "objects" / sha256[:2] / sha256[2:]


def db(farm: "Farm", *arguments: str, code: int = 0) -> str:
    """What ``anyrig db`` prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANYRIG_")}
    done = subprocess.run(
        [sys.executable, "-m", "anyrig", "db", *arguments, "--data", str(farm.data)],
        env=kept | {"ANYRIG_RETENTION": RULES},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def removed(portal: "Portal") -> tuple[Json, Json]:
    """A job and the details of its one result, before they were removed; what it shares with others stays."""
    portal.finish(portal.run("tests/verdicts.py::test_that_passes"))
    job = portal.finish(portal.run("tests/output.py::test_that_writes_files", category="to-go"))
    [found] = portal.results(job)
    result = portal.json(f"results{found['result_id']}")
    age(portal.farm, job)
    planned = json.loads(db(portal.farm, "retention", "--dry-run", "--json"))
    assert (planned["results"], planned["first"]) == (1, [result["result_id"]])
    assert planned["jobs"] == 1
    portal.get(f"results{result['result_id']}")
    said = db(portal.farm, "retention", "--now")
    assert said.splitlines()[0] == result["result_id"]
    assert "1 result and 1 job went" in said
    return job, result


@pytest.mark.parametrize(
    "part",
    ["", "/stbt.log", "/screenshot.png", "/thumbnail.jpg", "/artifacts", "/artifacts/my%20file.txt"],
)
def test_a_removed_result_is_gone_and_says_so(
    portal: "Portal", removed: tuple[Json, Json], part: str
) -> None:
    result_id = removed[1]["result_id"]
    sentence = portal.get(f"results{result_id}{part}", 410).text
    assert sentence == f"The result '{result_id}' has been deleted."


@pytest.mark.parametrize("part", ["", "/log", "/await_completion"])
def test_a_job_without_any_results_left_is_gone(
    portal: "Portal", removed: tuple[Json, Json], part: str
) -> None:
    uid = removed[0]["job_uid"]
    assert portal.get(f"jobs{uid}{part}", 410).text == f"The job '{uid}' has been deleted."
    assert portal.http.post(f"/api/v2/jobs{uid}/stop").status_code == 410


def test_lists_do_not_show_it(portal: "Portal", removed: tuple[Json, Json]) -> None:
    assert portal.json("results", filter="category:to-go") == []
    assert portal.results(removed[0]) == []
    assert portal.json(f"nodes/{portal.farm.node}/job")["job_uid"] != removed[0]["job_uid"]


def test_the_native_api_says_the_same_as_a_problem(portal: "Portal", removed: tuple[Json, Json]) -> None:
    result_id, number = removed[1]["result_id"], removed[0]["job_uid"].rpartition("/")[2]
    for where in (f"results{result_id}", f"results{result_id}/artifacts", f"jobs/{number}"):
        answer = portal.http.get(f"/api/v3/{where}")
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert portal.http.put(f"/api/v3/results{result_id}/pin").status_code == 410


def test_everything_that_is_left_is_whole(portal: "Portal", removed: tuple[Json, Json]) -> None:
    told = json.loads(db(portal.farm, "check", "--json"))
    assert told["objects"] > 0
    assert told["missing"] == []


def test_a_pinned_result_stays(portal: "Portal") -> None:
    job = portal.finish(portal.run("tests/output.py::test_that_prints"))
    [result] = portal.results(job)
    where = f"/api/v3/results{result['result_id']}"
    assert portal.http.put(f"{where}/pin").status_code == 204
    assert portal.http.get(where).json()["pinned"] is True
    age(portal.farm, job)
    assert json.loads(db(portal.farm, "retention", "--json"))["first"] == []
    assert portal.http.delete(f"{where}/pin").status_code == 204
    planned = json.loads(db(portal.farm, "retention", "--json"))
    assert planned["first"] == [result["result_id"]]
    assert planned["bytes"] > 0


def test_who_may_pin_and_who_may_see_what_would_go(portal: "Portal", farm: "Farm") -> None:
    job = portal.finish(portal.run("tests/verdicts.py::test_that_passes"))
    [result] = portal.results(job)
    told = portal.http.get("/api/v3/retention").json()
    assert (told["days"], told["keep_free_gb"], told["results"]) == (None, 1.0, 0)
    with farm.client(farm.new_token("vera", "viewer")) as viewer:
        assert viewer.put(f"/api/v3/results{result['result_id']}/pin").status_code == 403
        assert viewer.get("/api/v3/retention").status_code == 403
    with farm.client(farm.new_token("adam", "admin", ["tv"])) as limited:
        assert limited.get("/api/v3/retention").status_code == 403


def test_a_file_that_is_lost_is_found_out(portal: "Portal") -> None:
    job = portal.finish(portal.run("tests/output.py::test_that_prints"))
    [result] = portal.results(job)
    [log] = [
        each
        for each in portal.http.get(f"/api/v3/results{result['result_id']}/artifacts").json()["artifacts"]
        if each["name"] == "combined.log"
    ]
    file = path(portal.farm, log["sha256"])
    away = file.rename(f"{file}.away")
    try:
        said = db(portal.farm, "check", code=3)
    finally:
        away.rename(file)
    assert f"{log['sha256']} is not there" in said


def test_the_database_is_brought_up_to_date(farm: "Farm") -> None:
    assert db(farm, "migrate") == f"The database is at revision {HEAD}.\n"
