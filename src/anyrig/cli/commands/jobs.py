"""``anyrig jobs``: lists jobs, shows one, stops one."""

from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words

Json = dict[str, Any]
_COLUMNS = ("job", "state", "verdict", "project", "tests", "pass", "fail", "error", "user", "created")


def jobs(
    job: Annotated[
        str | None, typer.Argument(help="Show this one: its number or uid.", show_default=False)
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Only those that are not over.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job and wait until it has ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one job a line.")] = False,
) -> int:
    """List jobs, the newest first; or show, or stop, one.

    For one job the exit code is that of its results: 0, 1 or 8; 9 while it is not over.

    For example:

      anyrig jobs --live

      anyrig jobs 12 --stop
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    client = Client.from_environment()
    if job is not None:
        path = f"/jobs/{words.job_number(job)}"
        return _show(client.post(f"{path}/stop") if stop else client.get(path), client, json=json)
    if stop:
        raise exits.Refused("Name the job to stop.", 400)
    found = list(client.pages("/jobs", "jobs", limit, live="true" if live else None))
    if json:
        for each in found:
            output.json(each)
    else:
        output.table(_COLUMNS, map(_row, found))
    return exits.OK


def _row(job: Json) -> list[str]:
    counts = job["counts"]
    return [
        str(job["number"]),
        job["state"],
        job["verdict"] or "-",
        job["project"],
        _tests(job),
        *(str(counts[name]) for name in ("pass", "fail", "error")),
        job["user"],
        words.moment(job["created"]),
    ]


def _tests(job: Json) -> str:
    names = [words.test_name(job, test) for test in job["tests"]]
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "") if names else "-"


def _show(job: Json, client: Any, *, json: bool) -> int:
    if json:
        output.json(job)
        return exits.of_job(job)
    output.line(words.summary(job))
    for task in client.get(f"/jobs/{job['number']}/tasks")["tasks"]:
        if task["reason"]:
            output.line(task["reason"])
        if task["running"]:
            output.line(f"Now at {words.test_name(job, task['running']['test'])} on {task['node']}.")
    output.line(job["page"])
    return exits.of_job(job)
