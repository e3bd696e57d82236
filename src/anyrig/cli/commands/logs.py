"""``anyrig logs``: prints the log of a job."""

from typing import Annotated

import typer

from anyrig.cli import exits, output, words


def logs(
    job: Annotated[str, typer.Argument(help="The job: its number or uid.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on printing until the job is over.")
    ] = False,
    task: Annotated[int, typer.Option(min=0, help="Which part of the job, when it has several.")] = 0,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON: the lines that came together as one object a line.")
    ] = False,
) -> int:
    """Print the log of a job: what it has written so far, or all of it.

    For example: anyrig logs 12 --follow
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    number = words.job_number(job)
    client = Client.from_environment()
    params = {"task": task, "follow": "true" if follow else None}
    for piece in client.stream(f"/jobs/{number}/log", **params):
        if json:
            output.json({"job": number, "task": task, "text": piece.decode(errors="replace")})
        else:
            output.raw(piece)
    return exits.OK
