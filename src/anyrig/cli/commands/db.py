"""``anyrig db``: looks after the database and the files of results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anyrig.cli import exits, output
from anyrig.core.wording import size_text

if TYPE_CHECKING:
    from anyrig.core.retention import Going

db = typer.Typer(no_args_is_help=True, help="Look after the database and the files of results.")
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of the server, whether it runs or not.  [default: anyrig-data]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@db.command("migrate")
def migrate(data: Data = None, json: Json = False) -> int:
    """Bring the database's schema up to date. A server does the same when it starts."""
    from anyrig.bootstrap import upkeep  # noqa: PLC0415 - the server's parts take time to load

    revision = upkeep.migrate(data)
    output.json({"revision": revision}) if json else output.line(f"The database is at revision {revision}.")
    return exits.OK


@db.command("retention")
def retention(
    data: Data = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--now", help="List what would be removed, or remove it.")
    ] = True,
    json: Json = False,
) -> int:
    """List the results that retention would remove now, or remove them.

    The rules are those of the table [retention] of DATA/anyrig.toml, and of ANYRIG_RETENTION.
    """
    from anyrig.bootstrap import upkeep  # noqa: PLC0415 - as above

    if dry_run:
        plan = upkeep.planned(data)
        told = _told(plan.going) | {"tombstones": plan.tombstones}
        output.json(told) if json else _list(plan.going)
        return exits.OK
    plan, leftovers = upkeep.enforced(data)
    told = _told(plan.going) | {"tombstones": plan.tombstones, "leftovers": leftovers.objects}
    if json:
        output.json(told)
    else:
        _list(plan.going, "went")
        output.line(f"{leftovers.objects} leftover objects went, {size_text(leftovers.size)}.")
    return exits.OK


def _told(going: "Going") -> dict[str, Any]:
    names = [old.result_id for old in going.oldest]
    return {"results": going.results, "jobs": going.jobs, "bytes": going.size, "first": names}


def _list(going: "Going", verb: str = "would go") -> None:
    for old in going.oldest:
        output.line(old.result_id)
    if going.results > len(going.oldest):
        output.line(f"… and {going.results - len(going.oldest)} more")
    results, jobs = _counted(going.results, "result"), _counted(going.jobs, "job")
    output.line(f"{results} and {jobs} {verb}: {size_text(going.size)}.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@db.command("check")
def check(data: Data = None, json: Json = False) -> int:
    """Look whether every file of a result, and every log, is there with the right size."""
    from anyrig.bootstrap import upkeep  # noqa: PLC0415 - as above

    count, missing = upkeep.missing(data)
    if json:
        rows = [{"sha256": each.sha256, "size": each.size, "found": size} for each, size in missing]
        output.json({"objects": count, "missing": rows})
    else:
        for each, size in missing:
            found = "is not there" if size is None else f"has {size} bytes instead of {each.size}"
            output.line(f"{each.sha256} {found}")
        output.line(f"{_counted(count, 'object')}, {len(missing)} not as they should be.")
    return exits.FAILED if missing else exits.OK
