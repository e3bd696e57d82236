"""What the tests of our own surfaces share: a project with commands, a client, and a command line."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sci_client import app_file

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm

Json = Any
PROJECT = "shop"
COMMANDS = r"""
[command.greet]
run = "echo hello; echo 'Grüße <b>alle</b>'"

[command.bad]
run = "echo oh no; exit 3"

[command.gate]
run = "sh gate.sh"

[command.unit]
run = '''
cat > report.xml <<END
<testsuite>
<testcase classname="sums" name="adds" time="0.5"/>
<testcase classname="sums" name="divides"><failure message="1 &lt; 2">in sums</failure></testcase>
</testsuite>
END
mkdir -p "out/a b"
printf 0123456789 > "out/a b/50%.txt"
printf '<script>alert(1)</script>' > out/page.html
'''
junit = "report.xml"
artifacts = "out/**"
"""

GATE = """
echo begun
n=0
while [ ! -e "$ANYRIG_PARAM_GATE" ] && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
echo released
"""


@dataclass(frozen=True)
class Api:
    """A client of the native API that knows how to run commands."""

    http: httpx.Client
    farm: "Farm"

    def get(self, path: str, status: int = 200, /, **params: Any) -> Json:
        answer = self.http.get(path, params=params or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Json = None, status: int = 200, **headers: str) -> Json:
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def start(self, *tests: str, **more: Json) -> Json:
        """A new job of the project with commands, on the farm's node."""
        return self.post("/jobs", {"tests": tests, "project": PROJECT, "node": self.farm.node, **more}, 201)

    def finish(self, job: Json) -> Json:
        while not (found := self.get(f"/jobs/{job['number']}/wait"))["over"]:
            pass
        return found

    def run(self, *tests: str, **more: Json) -> Json:
        return self.finish(self.start(*tests, **more))

    def results(self, job: Json, **params: Json) -> list[Json]:
        """In the order in which they ran."""
        found: list[Json] = self.get("/results", filter=f"job:{job['uid']}", sort="date:asc", **params)[
            "results"
        ]
        return found


@dataclass(frozen=True)
class Builds:
    """Builds that run on the farm's node."""

    api: Api
    names: list[str]
    """Of those that were made."""

    def create(self, name: str, *actions: str, more: str = "") -> Json:
        """A new build that does this; ``more``: further lines of its app file."""
        text = app_file(name, *actions, more=f"node: {self.api.farm.node}\n{more}")
        self.names.append(name)
        return self.api.post("/builds", {"config": text}, 201)

    def start(self, name: str, **params: Json) -> Json:
        return self.api.post("/jobs", {"tests": [f"build:{name}"], "params": params}, 201)

    def run(self, name: str, **params: Json) -> Json:
        return self.api.finish(self.start(name, **params))

    def messages(self, name: str, **params: Json) -> list[str]:
        """What was said of it, the oldest first."""
        found = self.api.get(f"/build-records/{name}", **params)["records"]
        return [each["message"] for each in found[::-1]]


@dataclass(frozen=True)
class Command:
    """The command line, as a process of its own."""

    farm: "Farm"
    environment: dict[str, str]

    def start(
        self, *arguments: str, stdout: int = subprocess.PIPE, **environment: str
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "anyrig", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment | environment,
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> tuple[str, str]:
        """What it writes to stdout and to stderr."""
        with self.start(*arguments, stdout=subprocess.PIPE, **environment) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        return out, err


@dataclass(frozen=True)
class Gate:
    """Lets the command ``gate`` go on."""

    path: Path

    @property
    def params(self) -> dict[str, str]:
        return {"GATE": str(self.path)}

    def open(self) -> None:
        self.path.touch()


@pytest.fixture(scope="session")
def shop(farm: "Farm", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project with commands."""
    folder = tmp_path_factory.mktemp("packs") / PROJECT
    (folder / "tests").mkdir(parents=True)
    (folder / "anyrig.toml").write_text(COMMANDS)
    (folder / "gate.sh").write_text(GATE)
    (folder / "tests/checks.py").write_text("def test_one():\n    pass\n\n\ndef test_two():\n    pass\n")
    with farm.client(scheme="Bearer") as http:
        made = http.post("/api/v3/projects", json={"name": PROJECT, "source": str(folder)})
        assert made.status_code == 201, made.text
    return folder


@pytest.fixture(scope="session")
def api_at() -> Iterator[Callable[["Farm", str], Api]]:
    """A client of a farm's native API with this token."""
    clients: list[httpx.Client] = []

    def make(farm: "Farm", token: str) -> Api:
        headers = {"Authorization": f"Bearer {token}"}
        clients.append(httpx.Client(base_url=f"{farm.url}/api/v3", headers=headers, timeout=60))
        return Api(clients[-1], farm)

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def api_of(farm: "Farm", shop: Path, api_at: Callable[["Farm", str], Api]) -> Callable[[str], Api]:
    """A client of the native API with this token."""
    return lambda token: api_at(farm, token)


@pytest.fixture(scope="session")
def api(farm: "Farm", api_of: Callable[[str], Api]) -> Api:
    return api_of(farm.token)


@pytest.fixture
def builds(api: Api) -> Iterator[Builds]:
    """Those that are still there at the end are removed."""
    made = Builds(api, [])
    yield made
    for name in made.names:
        api.http.delete(f"/builds/{name}")


@pytest.fixture(scope="session")
def token_of(api: Api) -> Callable[[str, str], str]:
    """A new token of a user in a role."""
    return lambda user, role: str(api.post("/tokens", {"user": user, "role": role}, 201)["token"])


@pytest.fixture(scope="session")
def ran(api: Api) -> Json:
    """A job whose command left a result that passed, one that failed, and files."""
    return api.run("command:unit", category="nightly/eu", tags={"model": "T-1000", "flaky": None})


@pytest.fixture(scope="session")
def command_at() -> Callable[["Farm"], Command]:
    """The command line of a farm's administrator."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANYRIG_")}
    return lambda farm: Command(
        farm, kept | {"ANYRIG_URL": farm.url, "ANYRIG_TOKEN": farm.token, "COLUMNS": "200"}
    )


@pytest.fixture(scope="session")
def command(farm: "Farm", shop: Path, command_at: Callable[["Farm"], Command]) -> Command:
    return command_at(farm)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Opened at the end in any case, so that no job stays behind."""
    made = Gate(tmp_path / "gate")
    yield made
    made.open()
