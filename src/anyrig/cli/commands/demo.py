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

from anyrig.cli import exits, output
from anyrig.cli.client import DEFAULT_URL, Client
from anyrig.cli.examples import BUILD, EXAMPLES, Example, app_files, options
from anyrig.cli.exits import Refused
from anyrig.cli.words import first_line
from anyrig.core.wording import duration_text

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
    runnable = [example for example in EXAMPLES if not _passed_over(example)]
    output.line("Starting server, message bus, database and an agent …")
    with _lab(data, options(runnable)) as (url, token):
        client = Client(url, token)
        jobs = [number for example in runnable for number in _run(client, example)]
        _show(client, url, jobs)
        report = f"{url}/app/#/results"
        output.line(f"\nThe report: {report}   (token: {data / 'admin.token'})")
        if keep if keep is not None else output.is_terminal():
            output.line("It is there until you press Ctrl-C.")
            _wait_for_ctrl_c()
        else:
            output.line(f"To see it again: anyrig up --data {data}")
    return exits.OK


def _passed_over(example: Example) -> bool:
    """Say so when this machine cannot run it."""
    if example.missing:
        missing = ", ".join(example.missing)
        output.line(f"Without the tests of '{example.project}': there is no {missing} (see make system).")
    return bool(example.missing)


def _run(client: Client, example: Example) -> list[int]:
    """The numbers of the jobs."""
    hint = " (the first time, their environment is made)" * (example.kind == "python")
    output.line(f"Running the {example.kind} tests of '{example.project}' …{hint}")
    wanted = {"project": example.project, "kind": example.kind, "node": example.node, "tags": _TAGS}
    if example.kind == BUILD:
        return [_followed(client, wanted | {"tests": [name]}) for name in _created(client)]
    return [_followed(client, wanted | {"tests": ["*"]})]


def _created(client: Client) -> list[str]:
    """The names of the example builds, which are there from now on."""
    known = {build["name"] for build in client.get("/builds")["builds"]}
    names = []
    for name, text in app_files().items():
        if name not in known:
            client.post("/builds", {"config": text})
        names.append(name)
    return names


def _followed(client: Client, wanted: dict[str, Any]) -> int:
    """The number of the job, which is over."""
    number = int(client.post("/jobs", wanted)["number"])
    for event in client.events(number):
        if event.name == "result":
            found = event.data
            output.line(f"  {found['verdict']:5}  {found['test']}")
    return number


def _show(client: Client, url: str, jobs: list[int]) -> None:
    found: list[dict[str, Any]] = []
    for number in jobs:
        uid = client.get(f"/jobs/{number}")["uid"]
        found += client.get("/results", filter=f"job:{uid}", sort="date:asc", limit=1000)["results"]
    output.line()
    output.table(("verdict", "test", "seconds", "result"), [_row(url, one) for one in found])
    output.line()
    for one in found:
        if one["reason"]:
            output.line(f"{one['verdict']:5}  {one['test']}: {first_line(one['reason'])}")


def _row(url: str, found: dict[str, Any]) -> list[str]:
    link = f"{url}/app/result{found['result_id']}"
    return [found["verdict"], found["test"], duration_text(found["seconds"]), link]


@contextmanager
def _lab(data: Path, more: list[str]) -> Iterator[tuple[str, str]]:
    """URL and token of a lab that ends with the block; ``more``: options of ``anyrig up``."""
    argv = [sys.executable, "-m", "anyrig", "up", "--data", str(data), "--port", str(_port()), *more]
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
