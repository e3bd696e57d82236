"""``anyrig demo``: a whole lab on this machine, and example tests of every kind that it can run."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

import anyrig
from anyrig.cli import exits, output
from anyrig.cli.client import DEFAULT_URL, Client
from anyrig.cli.exits import Refused
from anyrig.core.wording import duration_text

PROJECT = "first"
_JOBS = {"python": ["*"], "command": ["*"]}
"""What is run, a job a kind."""
_TAGS = {"model": "T-1000"}


def demo(
    data: Annotated[Path, typer.Option(help="Folder for everything that is kept.")] = Path("anyrig-demo"),
    keep: Annotated[
        bool | None,
        typer.Option(
            help="Serve the report until Ctrl-C.  [default: if you are at a terminal]", show_default=False
        ),
    ] = None,
) -> int:
    """Start a lab on this machine, run the example tests, and print their results and the report's URL."""
    output.line("Starting server, message bus, database and an agent …")
    with _lab(data) as (url, token):
        client = Client(url, token)
        jobs = [_run(client, kind, tests) for kind, tests in _JOBS.items()]
        _show(client, jobs)
        report = f"{url}/app/#/results"
        output.line(f"\nThe report: {report}   (token: {data / 'admin.token'})")
        if keep if keep is not None else output.is_terminal():
            output.line("It is there until you press Ctrl-C.")
            _wait_for_ctrl_c()
        else:
            output.line(f"To see it again: anyrig up --data {data}")
    return exits.OK


def _run(client: Client, kind: str, tests: list[str]) -> int:
    output.line(
        f"Running the {kind} tests …" + (" (the first time, their environment is made)" * (kind == "python"))
    )
    job = client.post("/jobs", {"project": PROJECT, "kind": kind, "tests": tests, "tags": _TAGS})
    number = int(job["number"])
    for event in client.events(number):
        if event.name == "result":
            found = event.data
            output.line(f"  {found['verdict']:5}  {found['test']}")
    return number


def _show(client: Client, jobs: list[int]) -> None:
    rows: list[list[str]] = []
    for number in jobs:
        uid = client.get(f"/jobs/{number}")["uid"]
        page = client.get("/results", filter=f"job:{uid}", sort="date:asc", limit=1000)
        rows += map(_row, page["results"])
    output.line()
    output.table(("verdict", "test", "seconds", "reason"), rows)


def _row(found: dict[str, Any]) -> list[str]:
    return [found["verdict"], found["test"], duration_text(found["seconds"]), found["reason"] or ""]


@contextmanager
def _lab(data: Path) -> Iterator[tuple[str, str]]:
    """URL and token of a lab that ends with the block."""
    argv = [sys.executable, "-m", "anyrig", "up", "--data", str(data), "--port", str(_port())]
    argv += ["--pack", f"{PROJECT}={_examples() / PROJECT}"]
    environment = {**os.environ, "ANYRIG_LOG_LEVEL": os.environ.get("ANYRIG_LOG_LEVEL", "warning")}
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            yield _ready(process), (data / "admin.token").read_text().strip()
        finally:
            process.terminate()
            process.wait()


def _ready(process: "subprocess.Popen[str]") -> str:
    for line in process.stdout or ():
        if line.startswith("ready "):
            return line.split()[1]
    raise Refused("The lab did not start.")


def _wait_for_ctrl_c() -> None:
    with suppress(KeyboardInterrupt):
        while True:
            signal.pause()


def _port() -> int:
    """The usual port, or any when that is taken."""
    usual = int(DEFAULT_URL.rpartition(":")[2])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return 0
    return usual


def _examples() -> Path:
    """Beside the sources, or within the installed package."""
    package = Path(anyrig.__file__).parent
    places = (package.parents[1] / "examples", package / "examples")
    return next(place for place in places if (place / PROJECT).is_dir())
