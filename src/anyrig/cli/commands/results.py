"""``anyrig results``: finds results."""

from typing import Annotated, Any

import typer

from anyrig.cli import exits, output, words

Json = dict[str, Any]
_COLUMNS = ("verdict", "test", "seconds", "node", "job", "start", "reason")


def results(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="FILTER", help="Which results.", show_default=False)
    ] = None,
    sort: Annotated[
        str, typer.Option(help="category, date, duration, job, testcase or result, with :asc or :desc.")
    ] = "date:desc",
    tz: Annotated[str, typer.Option(help="The zone of dates in the filter that have none.")] = "UTC",
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 50,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, one result a line.")] = False,
) -> int:
    """Find results.

    For example:

      anyrig results result:fail date:today

      anyrig results 'testcase:tests/menu.py duration:>1m' --sort duration:desc

      anyrig results job:/tv1/0a23/972 --csv

      anyrig results -- -tag:flaky
    """
    from anyrig.cli.client import Client  # noqa: PLC0415 - help does without it

    query = {"filter": " ".join(wanted or ()), "sort": sort, "tz": tz}
    client = Client.from_environment()
    found = client.pages("/results", "results", limit, **query)
    if json:
        for result in found:
            output.json(result)
    elif csv:
        output.csv(_CSV, ([_cell(result[name]) for name in _CSV] for result in found))
    else:
        output.table(_COLUMNS, map(_row, found))
    return exits.OK


def _row(result: Json) -> list[str]:
    return [
        result["verdict"],
        result["test"],
        f"{result['seconds']:.1f}",
        result["node"],
        str(result["job"]),
        words.moment(result["start"]),
        words.first_line(result["reason"]),
    ]


_CSV = (
    *("result_id", "job_uid", "project", "node", "user", "category", "test", "verdict", "reason"),
    *("start", "end", "seconds", "sha", "branch", "tags"),
)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}={text or ''}" for name, text in value.items())
    return "" if value is None else str(value)
