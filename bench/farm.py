"""``anyrig up`` on a test pack, for benchmarks."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PACK = {
    "tests/trivial.py": "import cv2\nimport numpy\n\n\ndef test_nothing():\n    pass\n",
    "anyrig.toml": '[command.nothing]\nrun = ["true"]\n',
}
_MANY = "".join(f"def test_{number}():\n    print({number})\n\n\n" for number in range(200))
_LINES = """import os, time


def test_lines():
    for number in range(int(os.environ.get("LINES", 100_000))):
        print("line", number)


def test_stamps():
    for number in range(200):
        print("stamp", time.time())
        time.sleep(0.02)
"""


@dataclass(frozen=True)
class Farm:
    url: str
    token: str
    data: Path
    pid: int

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"token {self.token}"}, timeout=300)

    def environment_python(self) -> Path:
        """The Python of the pack's environment, once a test has run."""
        return next(self.data.glob("agent/cache/python/environments/*/bin/python"))


def run_job(client: httpx.Client, tests: list[str], node: str = "local-1") -> str:
    """Submit and wait until it is finished; the job's uid."""
    body = {"node_id": node, "test_pack_revision": "main", "test_cases": tests}
    answer = client.post("/api/v2/run_tests", json=body)
    answer.raise_for_status()
    uid = str(answer.json()["job_uid"])
    while client.get(f"/api/v2/jobs{uid}/await_completion").status_code == 202:
        pass
    return uid


@contextmanager
def farm(*arguments: str, more: Mapping[str, str] | None = None, **settings: str) -> Iterator[Farm]:
    """Everything on this machine, without rate limits, in a folder that goes away.

    ``more``: files of the test pack.
    """
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        pack = Path(folder) / "pack"
        for name, text in {**PACK, "tests/many.py": _MANY, "tests/lines.py": _LINES, **(more or {})}.items():
            (pack / name).parent.mkdir(parents=True, exist_ok=True)
            (pack / name).write_text(text)
        data = Path(folder) / "data"
        argv = [
            sys.executable,
            "-m",
            "anyrig",
            "up",
            "--data",
            str(data),
            "--port",
            "0",
            "--pack",
            f"tv={pack}",
        ]
        environment = os.environ | {"ANYRIG_RATE": "1000000", "ANYRIG_LOG_LEVEL": "warning"} | settings
        with subprocess.Popen(
            [*argv, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            url = next(line.split()[1] for line in process.stdout if line.startswith("ready "))
            try:
                yield Farm(url, (data / "admin.token").read_text().strip(), data, process.pid)
            finally:
                process.terminate()
                process.wait()


@contextmanager
def server(data: Path, **settings: str) -> Iterator[httpx.Client]:
    """A server alone on this data directory, and a client with the admin's token."""
    argv = [sys.executable, "-m", "anyrig", "server", "--data", str(data), "--port", "0"]
    environment = os.environ | {"ANYRIG_RATE": "1000000", "ANYRIG_LOG_LEVEL": "warning"} | settings
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = next(line.split()[1] for line in process.stdout if line.startswith("ready "))
        token = (data / "admin.token").read_text().strip()
        try:
            with httpx.Client(
                base_url=url, headers={"Authorization": f"token {token}"}, timeout=60
            ) as client:
                yield client
        finally:
            process.terminate()
            process.wait()
