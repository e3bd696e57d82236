"""Results: written once, read by id. Lists are in ``search``."""

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select

from anyrig.core.ids import result_id
from anyrig.core.messages import Artifact, CaseFinished
from anyrig.core.records import Job, Result, ResultDetail, Task
from anyrig.core.results import Verdict
from anyrig.storage.schema import AnyRow, artifacts, result_tags, results

_ADD = insert(results).returning(results.c.id)
_ADD_TAGS = insert(result_tags)
_ADD_ARTIFACTS = insert(artifacts)
_IS_KEPT = select(results.c.id).where(results.c.task == bindparam("number"), results.c.seq == bindparam("of"))
_HOW_MANY = select(func.count()).where(results.c.task == bindparam("number"))
_IN_SECOND = select(func.count()).where(
    or_(
        results.c.result_id == bindparam("first"),
        and_(results.c.result_id > bindparam("least"), results.c.result_id < bindparam("below")),
    )
)


def add(connection: Connection, job: Job, task: Task, case: CaseFinished) -> str | None:
    """Keep a result of a task; returns its id, or None when that number of the task was kept before."""
    if connection.execute(_IS_KEPT, {"number": task.number, "of": case.seq}).first():
        return None
    name = result_id(job.uid, case.start, _in_second(connection, result_id(job.uid, case.start, 0)))
    values = {
        "result_id": name,
        "job": job.number,
        "task": task.number,
        "seq": case.seq,
        "attempt": task.attempt,
        "project": job.project,
        "job_uid": job.uid,
        "node": task.node or "",
        "user": job.user,
        "category": job.category,
        "testcase": case.test,
        "verdict": case.verdict,
        "failure_reason": case.reason,
        "traceback": case.traceback,
        "start": case.start,
        "end": case.end,
        "duration": case.end - case.start,
        "branch": job.branch,
        "sha": job.sha,
        "tags": job.tags,
    }
    number = connection.execute(_ADD, values).scalar_one()
    _add_tags(connection, number, job.tags)
    _add_artifacts(connection, number, case.artifacts)
    return name


def how_many(connection: Connection, task: int) -> int:
    """The task's results that are kept."""
    return int(connection.execute(_HOW_MANY, {"number": task}).scalar_one())


def names(connection: Connection, task: int) -> list[str]:
    """What the task's results are results of, in order of their numbers."""
    statement = select(results.c.testcase).where(results.c.task == task).order_by(results.c.seq)
    return list(connection.execute(statement).scalars())


def reasons_of(connection: Connection, job: int) -> list[tuple[Verdict, str | None]]:
    """The verdicts of a job's results, and their reasons."""
    statement = select(results.c.verdict, results.c.failure_reason).where(results.c.job == job)
    return [(Verdict(row.verdict), row.failure_reason) for row in connection.execute(statement)]


def by_name(connection: Connection, name: str) -> Result | None:
    """The result with this id, without what it left."""
    row = connection.execute(select(results).where(results.c.result_id == name)).one_or_none()
    return result(row) if row else None


def detail(connection: Connection, name: str) -> ResultDetail | None:
    """A result with its artifacts in order of name."""
    row = connection.execute(select(results).where(results.c.result_id == name)).one_or_none()
    return ResultDetail(result(row), row.traceback, tuple(of_result(connection, row.id))) if row else None


def of_result(connection: Connection, number: int) -> list[Artifact]:
    statement = select(artifacts).where(artifacts.c.result == number).order_by(artifacts.c.name)
    return [Artifact(row.name, row.size, row.md5, row.sha256) for row in connection.execute(statement)]


def artifact(connection: Connection, name: str, file: str) -> Artifact | None:
    """One file of a result; None when either is not there."""
    row = connection.execute(
        select(artifacts)
        .join(results, results.c.id == artifacts.c.result)
        .where(results.c.result_id == name, artifacts.c.name == file)
    ).one_or_none()
    return Artifact(row.name, row.size, row.md5, row.sha256) if row else None


def result(row: AnyRow) -> Result:
    return Result(
        number=row.id,
        result_id=row.result_id,
        job_uid=row.job_uid,
        project=row.project,
        node=row.node,
        user=row.user,
        category=row.category,
        testcase=row.testcase,
        verdict=Verdict(row.verdict),
        failure_reason=row.failure_reason,
        start=row.start,
        end=row.end,
        sha=row.sha,
        branch=row.branch,
        tags=row.tags,
        deleted=row.deleted,
        pinned=row.pinned,
    )


def _in_second(connection: Connection, first: str) -> int:
    """How many results have this id, or this id and a number behind a dot."""
    bounds = {"first": first, "least": f"{first}.", "below": f"{first}/"}
    return int(connection.execute(_IN_SECOND, bounds).scalar_one())


def _add_tags(connection: Connection, number: int, tags: dict[str, str | None]) -> None:
    if tags:
        rows = [{"name": name, "value": value or "", "result": number} for name, value in tags.items()]
        connection.execute(_ADD_TAGS, rows)


def _add_artifacts(connection: Connection, number: int, files: Iterable[Artifact]) -> None:
    rows = [
        {"result": number, "name": file.name, "size": file.size, "md5": file.md5, "sha256": file.sha256}
        for file in files
    ]
    if rows:
        connection.execute(_ADD_ARTIFACTS, rows)
