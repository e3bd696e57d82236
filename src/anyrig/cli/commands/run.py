"""``anyrig run``: runs tests and waits for their results."""

import signal
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words
from anyrig.cli.exits import Refused

Json = dict[str, Any]
_EVERY = "*"


Tests = Annotated[
    list[str] | None,
    typer.Argument(
        help="tests/menu.py::test_x, a file or folder, a pattern with *, command:NAME, or build:NAME.",
        show_default=False,
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Every Python test of the project.")]
Project = Annotated[str | None, typer.Option(help="The project.  [default: the first one]")]
Revision = Annotated[str, typer.Option(help="Branch, tag or commit of the test pack.")]
Node = Annotated[str | None, typer.Option(help="The node to run on.  [default: any]")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="Run on a node with this label; may be repeated.")
]
Category = Annotated[str, typer.Option(help="The category of the results.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", "-t", metavar="NAME[=VALUE]", help="Mark the results.")
]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-P", metavar="NAME=VALUE", help="A parameter of the run.")
]
RemoteControl = Annotated[str, typer.Option(help="The remote control configuration.")]
Soak = Annotated[bool, typer.Option("--soak", help="Again and again until stopped.")]
Shuffle = Annotated[bool, typer.Option("--shuffle", help="In random order.")]
Retries = Annotated[int, typer.Option(min=0, help="Run again when the node was lost, this often.")]
Queue = Annotated[bool, typer.Option(help="Wait for a free node, or be refused.")]
Wait = Annotated[bool, typer.Option(help="Wait for the results, or only start the job.")]
Log = Annotated[bool, typer.Option("--log", help="Print the log as it comes.")]
JUnit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the job and its results as JSON.")]


def run(
    tests: Tests = None,
    every: Every = False,
    project: Project = None,
    revision: Revision = "HEAD",
    node: Node = None,
    label: Labels = None,
    category: Category = "default",
    tag: Tags = None,
    param: Params = None,
    remote_control: RemoteControl = "",
    soak: Soak = False,
    shuffle: Shuffle = False,
    retries: Retries = 0,
    queue: Queue = True,
    wait: Wait = True,
    log: Log = False,
    junit: JUnit = None,
    json: AsJson = False,
) -> int:
    """Run tests and wait for their results.

    Ctrl-C stops the job and lists what has finished; Ctrl-C again leaves it alone.

    Exit codes: 0 all passed; 1 some failed; 8 none failed, but the lab or a test had errors; 130 interrupted.

    For example:

      anyrig run tests/menu.py::test_that_menu_opens

      anyrig run --node tv1 --junit results.xml tests/smoke

      anyrig run -P LEVEL=2 command:unit

      anyrig run -P branch=main build:docs
    """
    body = {
        "tests": _named(tests, every=every),
        "project": project,
        "revision": revision,
        "node": node,
        "labels": label or [],
        "category": category,
        "tags": words.pairs("Tag", tag),
        "params": words.pairs("Parameter", param),
        "remote_control": remote_control,
        "forever": soak,
        "shuffle": shuffle,
        "retries": retries,
        "queue": queue,
    }
    watch = _started(body, log=log, json=json)
    return watch.to_the_end(junit) if wait else watch.leave()


def _named(tests: list[str] | None, *, every: bool) -> list[str]:
    names = [*(tests or ()), *([_EVERY] if every else ())]
    if not names:
        raise Refused("Name a test, or give --all; 'anyrig tests' lists them.", 400)
    return names


def _started(body: Json, *, log: bool, json: bool) -> "_Watch":
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    job = client.post("/jobs", body, **{"idempotency-key": uuid.uuid4().hex})
    return _Watch(client, job, log=log, json=json)


class _Watch:
    """A job that somebody waits for."""

    def __init__(self, client: Any, job: Json, *, log: bool, json: bool) -> None:
        self._client = client
        self._job = job
        self._log = log
        self._json = json

    def leave(self) -> int:
        """Only say which job it is."""
        if self._json:
            output.json(self._job)
        else:
            output.line(f"Job {self._job['number']}: {self._job['page']}")
        return exits.OK

    def to_the_end(self, junit: Path | None) -> int:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            job = self._follow()
        except KeyboardInterrupt:
            try:
                job = self._stop()
            except KeyboardInterrupt:
                output.note(f"Job {self._job['number']} goes on: {self._job['page']}")
                return exits.INTERRUPTED
        return self._report(job, junit)

    def _follow(self) -> Json:
        from anyrig.cli.progress import progress  # noqa: PLC0415 - not needed with --no-wait

        if not self._json:
            output.line(f"Job {self._job['number']}: {self._job['page']}")
        with progress(self._job, log=self._log, silent=self._json) as shown:
            for event in self._client.events(self._job["number"]):
                shown.show(event)
                if event.name == "end":
                    found: Json = event.data
                    return found
        return self._job

    def _stop(self) -> Json:
        output.note("Stopping the job; Ctrl-C again leaves it alone.")
        stopped: Json = self._client.post(f"/jobs/{self._job['number']}/stop")
        if not self._json:
            for result in self._results():
                output.line(words.result_line(self._job, result))
        return stopped

    def _results(self) -> list[Json]:
        wanted = {"filter": f"job:{self._job['uid']}", "sort": "date:asc"}
        return list(self._client.pages("/results", "results", limit=1_000_000, **wanted))

    def _report(self, job: Json, junit: Path | None) -> int:
        results = self._results() if self._json or junit else []
        if junit:
            from anyrig.cli.junit import write_file  # noqa: PLC0415 - as above

            write_file(self._client, results, junit)
        output.json({"job": job, "results": results}) if self._json else output.line(words.summary(job))
        return exits.of_job(job)
