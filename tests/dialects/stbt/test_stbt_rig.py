"""``stbt_rig``, the client of stb-tester's users, unchanged and from PyPI, against a farm of ours."""

import csv
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from stbt_client import PATIENCE, Done, StbtRig, cloned

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.stbt.conftest import Portal

PASSES = "tests/verdicts.py::test_that_passes"
FAILS = "tests/verdicts.py::test_that_fails"
WRITES = "tests/output.py::test_that_writes_files"
PRINTS = "tests/output.py::test_that_prints"
LONG = "tests/soak.py::test_that_takes_minutes"


@pytest.fixture
def rig(stbt_rig_programs: Path, farm: "Farm", tmp_path: Path) -> StbtRig:
    return cloned(stbt_rig_programs, farm.url, farm.token, "tv", farm.node, tmp_path)


def results_of(portal: "Portal", done: Done) -> list[Any]:
    """The results of the job that the client has told of."""
    found = re.search(r"View these test results at: \S+/app/#/results\?filter=job:(\S+)", done.out)
    assert found, done.out
    results: list[Any] = portal.json("results", filter=f"job:{found[1]}", sort="date:asc")
    return results


def test_a_run_prints_logs_and_brings_artifacts_junit_and_csv(rig: StbtRig, portal: "Portal") -> None:
    done = rig(
        *("--csv", "out.csv", "run", "--category", "nightly", "--tag", "model=T-1000", "--tag", "ü=%/:"),
        *("--artifacts", "*", "--artifacts-dest", "files/{test_case}/{filename}", "--junit-xml", "out.xml"),
        *(PASSES, PRINTS, WRITES),
    )
    assert done.status == 0, done.out
    results = results_of(portal, done)
    assert [result["test_case"] for result in results] == [PASSES, PRINTS, WRITES]
    for result in results:
        assert result["triage_url"] in done.out
    assert re.search(r"\+0[12]:00 A message printed by the test script: é$", done.out, re.MULTILINE)
    detail = portal.json(f"results{results[0]['result_id']}")
    assert (detail["job_category"], detail["tags"]) == ("nightly", {"model": "T-1000", "ü": "%/:"})
    written = rig.pack / "files" / WRITES
    for name in portal.json(f"results{results[2]['result_id']}/artifacts"):
        assert (written / name).is_file(), name
    assert (written / "a/file in a subdirectory/another.log").stat().st_size == 2433
    assert (written / "50%.txt").read_text() == "half"
    with (rig.pack / "out.csv").open(newline="") as table:
        assert {row["test_case"] for row in csv.DictReader(table)} == {PASSES, PRINTS, WRITES}
    assert ET.parse(rig.pack / "out.xml").getroot().get("tests") == "3"


def test_a_run_with_a_failure_says_so_by_its_status(rig: StbtRig, portal: "Portal") -> None:
    done = rig("run", PASSES, FAILS)
    assert done.status == 1
    assert [result["result"] for result in results_of(portal, done)] == ["pass", "fail"]
    assert "EPG is empty: é" in done.out


def test_a_run_without_changes_runs_the_commit_and_one_with_changes_the_work_tree(
    rig: StbtRig, portal: "Portal"
) -> None:
    done = rig("run", PASSES)
    [result] = results_of(portal, done)
    assert result["test_pack_sha"] == rig.git("rev-parse", "HEAD")
    detail = portal.json(f"results{result['result_id']}")
    assert (detail["job_category"], detail["test_pack_branch"]) == ("refs/snapshots/admin", None)
    verdicts = rig.pack / "tests/verdicts.py"
    verdicts.write_text(verdicts.read_text().replace("1 + 1 == 2", "1 + 1 == 4, 'changed'"))
    changed = rig("run", PASSES)
    assert changed.status == 1
    [result] = results_of(portal, changed)
    assert "changed" in result["failure_reason"]
    assert result["test_pack_sha"] != rig.git("rev-parse", "HEAD")


def test_force_works_on_a_node_that_never_had_a_job(rig: StbtRig, farm: "Farm") -> None:
    done = rig("run", "--force", PASSES, node=farm.new_node)
    assert done.status == 0, done.out


def test_a_busy_node_is_told_and_force_stops_its_job(rig: StbtRig, portal: "Portal") -> None:
    job = portal.run(LONG)
    busy = rig("run", PASSES)
    assert busy.status == 1
    assert "Node is currently in use." in busy.out
    assert rig("run", "--force", PASSES).status == 0
    assert portal.json(f"jobs{job['job_uid']}")["status"] == "exited"


def job_of(portal: "Portal", before: str) -> Any:
    """The node's job once it is another than ``before`` and has a result."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job = portal.json(f"nodes/{portal.farm.node}/job")
        if job["job_uid"] != before and job["result_counts"]["pass"]:
            return job
        portal.http.get(f"/api/v2/nodes/{portal.farm.node}/job/await_completion")
    raise AssertionError(job)


def test_a_soak_ends_with_control_c_and_still_shows_its_results(rig: StbtRig, portal: "Portal") -> None:
    before = portal.json(f"nodes/{portal.farm.node}/job")["job_uid"]
    command = rig.command("run", "--soak", "--junit-xml", "soak.xml", PRINTS, LONG)
    with subprocess.Popen(
        command,
        cwd=rig.pack,
        env=rig.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            job = job_of(portal, before)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    done = Done(process.returncode, out)
    assert portal.json(f"jobs{job['job_uid']}")["status"] == "exited"
    verdicts = {result["result"] for result in results_of(portal, done)}
    assert done.status == (0 if verdicts == {"pass"} else 1), out
    assert "A message printed by the test script: é" in out
    suite = ET.parse(rig.pack / "soak.xml").getroot()
    assert int(suite.get("tests") or 0) == len(results_of(portal, done))


def test_download_fetches_what_matches_and_nothing_twice(rig: StbtRig, ran: Any) -> None:
    arguments = ("download", "--artifacts", "*.txt", "--artifacts-dest", "got/{job_category}/{basename}")
    text = f"job:{ran['job_uid']} testcase:{WRITES}"
    done = rig(*arguments, text)
    assert done.status == 0, done.out
    found = {path.name for path in (rig.pack / "got/folder/nightly").iterdir()}
    assert found == {"my file.txt", "50%.txt", "a%20b.txt"}
    again = rig(*arguments, text)
    assert again.out.count("file is unmodified") == 3


def test_snapshot_pushes_the_work_tree_and_tells_the_farm(rig: StbtRig, portal: "Portal") -> None:
    (rig.pack / "tests/verdicts.py").write_text("def test_new():\n    pass\n")
    done = rig("snapshot")
    assert done.status == 0, done.out
    names = portal.json("test_pack/refs/snapshots/admin/test_case_names")
    assert "tests/verdicts.py::test_new" in names


def test_what_goes_wrong_is_printed_as_one_sentence(rig: StbtRig) -> None:
    picture = rig("screenshot")
    assert picture.status == 1
    assert f"HTTP 404 Error: There is no device on node '{rig.node}'. during GET" in picture.out
    unknown = rig("run", PASSES, node="nobody")
    assert "HTTP 404 Error: There is no node 'nobody'. during POST" in unknown.out
    stranger = rig("run", PASSES, STBT_AUTH_TOKEN="no.token")
    assert stranger.status == 1
    assert "HTTP 403 Error: The access token is missing or not valid. during GET" in stranger.out


def test_jenkins_runs_the_main_branch_and_gets_junit(rig: StbtRig, portal: "Portal") -> None:
    done = rig(
        *("--mode", "jenkins", "run", PASSES, FAILS),
        JOB_NAME="folder/job",
        BUILD_URL="http://ci.example.com:8080/job/folder%2Fjob/3/",
    )
    assert done.status == 1
    passed, failed = results_of(portal, done)
    detail = portal.json(f"results{passed['result_id']}")
    assert (detail["job_category"], detail["test_pack_branch"]) == ("folder/job", "refs/heads/main")
    assert detail["tags"]["jenkins/BUILD_URL"] == "http://ci.example.com:8080/job/folder%2Fjob/3/"
    suite = ET.parse(rig.pack / "stbt-results.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert failed["result"] == "fail"


def test_pytest_runs_each_test_on_the_farm(rig: StbtRig) -> None:
    done = rig.execute(
        [
            *(str(rig.programs / "pytest"), "-p", "stbt_rig", "-p", "no:python", "-p", "no:cacheprovider"),
            *("--override-ini=python_files=*.py", "--override-ini=python_functions=test_*", "--capture=no"),
            *(f"--portal-url={rig.url}", f"--node-id={rig.node}", "-v", "tests/verdicts.py"),
        ]
    )
    assert done.status == 1
    assert "2 failed, 1 passed" in done.out
    assert re.search(r"^tests/verdicts\.py:\d+", done.out, re.MULTILINE), done.out
    assert "EPG is empty: é" in done.out
    assert "there is no video" in done.out
