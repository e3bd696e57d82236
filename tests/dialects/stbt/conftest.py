"""What the tests of this dialect share: clients, and a job that has run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from stbt_client import installed

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm, Screens

Json = Any


@dataclass(frozen=True)
class Portal:
    """A client that knows how to run tests."""

    http: httpx.Client
    farm: "Farm"

    def get(self, path: str, status: int = 200, /, **params: str) -> httpx.Response:
        answer = self.http.get(f"/api/v2/{path}", params=params or None)
        assert answer.status_code == status, answer.text
        return answer

    def json(self, path: str, **params: str) -> Json:
        return self.get(path, **params).json()

    def run(self, *tests: str, status: int = 200, **more: Json) -> Json:
        body = {"node_id": self.farm.node, "test_pack_revision": "main", "test_cases": tests, **more}
        answer = self.http.post("/api/v2/run_tests", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if status == 200 else answer.text

    def finish(self, job: Json) -> Json:
        """Wait until the job has exited."""
        while (answer := self.http.get(f"/api/v2/jobs{job['job_uid']}/await_completion")).status_code == 202:
            pass
        assert answer.status_code == 200, answer.text
        return self.json(f"jobs{job['job_uid']}")

    def stop(self, job: Json) -> None:
        while (answer := self.http.post(f"/api/v2/jobs{job['job_uid']}/stop")).status_code == 202:
            pass
        assert answer.status_code == 200, answer.text

    def results(self, job: Json) -> Json:
        """In the order in which they ran."""
        return self.json("results", filter=f"job:{job['job_uid']}", sort="date:asc")


@pytest.fixture(scope="session")
def portal(farm: "Farm") -> Iterator[Portal]:
    with farm.client() as http:
        yield Portal(http, farm)


@pytest.fixture(scope="session")
def watched(screens: "Screens") -> Iterator[Portal]:
    """The portal of a farm whose nodes have devices."""
    with screens.client() as http:
        yield Portal(http, screens)


@pytest.fixture(scope="session")
def stbt_rig_programs() -> Path:
    """The folder of the programs of an environment that has stbt_rig."""
    return installed()


TESTS = (
    "tests/verdicts.py::test_that_passes",
    "tests/verdicts.py::test_that_fails",
    "tests/verdicts.py::test_that_errs",
    "tests/output.py::test_that_prints",
    "tests/output.py::test_that_writes_files",
)


@pytest.fixture(scope="session")
def ran(portal: Portal) -> Json:
    """A job that has run one test a verdict, and tests that print and write."""
    tags = {"model": "T-1000", "jenkins/BUILD_URL": "http://ci:8080/job/a%2Fb/", "flaky": None}
    job = portal.run(*TESTS, category="folder/nightly", remote_control="roku", tags=tags)
    return portal.finish(job)


@pytest.fixture(scope="session")
def results(portal: Portal, ran: Json) -> dict[str, Json]:
    """The details of its results, by the names of the test functions."""
    return {
        result["test_case"].partition("::")[2]: portal.json(f"results{result['result_id']}")
        for result in portal.results(ran)
    }
