"""Our values and the JSON of the native API, both ways."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec.structs import asdict

from anyrig.core import records
from anyrig.core.errors import BadField, Invalid
from anyrig.core.messages import Artifact
from anyrig.core.results import Verdict
from anyrig.core.selection import split_kind
from anyrig.core.users import Principal
from anyrig.engine.projects import PackTests
from anyrig.engine.requests import Request
from anyrig.server.dialects.native import schema

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
_WHERE = re.compile(r"(.*) - at `\$?\.?(.*)`", re.DOTALL)


def decoded(data: bytes, kind: type[T]) -> T:
    """A client's JSON as one of the schema's values.

    Raises:
        BadField: A field is missing, not known, or of another type.
        Invalid: It is not JSON.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _bad_field(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(reason=f"the body is not JSON ({error})") from None


def _bad_field(message: str) -> BadField:
    found = _WHERE.fullmatch(message)
    reason, field = found.groups() if found else (message, "")
    return BadField(field=field or "body", reason=reason[:1].lower() + reason[1:])


def request(new: schema.NewJob) -> Request:
    """What to run, in the engine's words.

    Raises:
        BadField: The tests' names are of several kinds.
    """
    named = [split_kind(name) for name in new.tests] if new.kind is None else []
    kinds = list(dict.fromkeys(kind for kind, _ in named))
    if len(kinds) > 1:
        reason = f"one job is of one kind, and these are of {' and '.join(kinds)}"
        raise BadField(field="tests", reason=reason)
    return Request(
        project=new.project,
        tests=tuple(name for _, name in named) or new.tests,
        kind=new.kind or (kinds[0] if kinds else "python"),
        revision=new.revision,
        node=new.node,
        labels=new.labels,
        category=new.category,
        tags=new.tags,
        remote_control=new.remote_control,
        forever=new.forever,
        shuffle=new.shuffle,
        params=new.params,
        retries=new.retries,
        queue=new.queue,
        priority=new.priority,
    )


def moment(time: int) -> datetime:
    """Microseconds since the epoch as a point in time."""
    return _EPOCH + timedelta(0, 0, time)  # by position: half the time, and a list has hundreds


def moment_or_none(time: int | None) -> datetime | None:
    return None if time is None else moment(time)


def microseconds(time: datetime | None) -> int | None:
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def job(found: records.Job, base: str) -> schema.Job:
    """``base`` is the server's URL without a slash at the end."""
    counts = found.counts
    return schema.Job(
        number=found.number,
        uid=found.uid,
        page=f"{base}/app/#/results?filter=job:{found.uid}",
        project=found.project,
        kind=found.kind,
        state=found.state,
        over=found.is_over,
        verdict=_verdict(found),
        user=found.user,
        category=found.category,
        tags=found.tags,
        revision=found.revision,
        branch=found.branch,
        sha=found.sha,
        tests=found.tests,
        remote_control=found.remote_control,
        forever=found.forever,
        shuffle=found.shuffle,
        params=found.params,
        retries=found.retries,
        created=moment(found.created),
        started=moment_or_none(found.started),
        ended=moment_or_none(found.ended),
        counts=schema.Counts(
            passed=counts.passed, fail=counts.failed, error=counts.errors, total=counts.total
        ),
        stopped_by=found.stopped_by,
    )


def _verdict(found: records.Job) -> Verdict | None:
    return found.counts.verdict if found.is_over else None


def task(found: records.Task) -> schema.Task:
    running = found.running_seq is not None and found.ended is None
    return schema.Task(
        position=found.position,
        state=found.state,
        node=found.node,
        wanted_node=found.wanted_node,
        reason=found.reason,
        attempt=found.attempt,
        placed=moment_or_none(found.placed),
        started=moment_or_none(found.started),
        ended=moment_or_none(found.ended),
        running=schema.Running(test=found.running_test or "", since=moment(found.running_since or 0))
        if running
        else None,
    )


def result(found: records.Result) -> schema.Result:
    """By position, for lists have hundreds: by name each takes half as long again."""
    return schema.Result(
        found.result_id,
        int(found.job_uid.rpartition("/")[2]),
        found.job_uid,
        found.project,
        found.node,
        found.user,
        found.category,
        found.testcase,
        found.verdict,
        found.failure_reason,
        moment(found.start),
        moment(found.end),
        found.seconds,
        found.sha,
        found.branch,
        found.tags,
        found.pinned,
    )


def result_detail(found: records.ResultDetail, base: str) -> schema.ResultDetail:
    return schema.ResultDetail(
        **asdict(result(found.result)),
        traceback=found.traceback,
        artifacts=artifacts(found.result.result_id, found.artifacts, base),
    )


def artifacts(result_id: str, files: Iterable[Artifact], base: str) -> tuple[schema.Artifact, ...]:
    where = f"{base}/api/v3/results{quote(result_id)}/artifacts/"
    return tuple(
        schema.Artifact(
            name=file.name, size=file.size, md5=file.md5, sha256=file.sha256, url=where + quote(file.name)
        )
        for file in files
    )


def project(found: records.Project, base: str) -> schema.Project:
    return schema.Project(
        name=found.name,
        source=None if found.upstream is None else _PASSWORD.sub("", found.upstream),
        git_url=f"{base}/git/{found.name}.git",
        created=moment(found.created),
    )


def tests(found: PackTests) -> schema.Tests:
    return schema.Tests(
        sha=found.revision.sha,
        branch=found.revision.branch,
        tests=tuple(
            schema.Test(
                name=each.name if each.kind == "python" else f"{each.kind}:{each.name}", kind=each.kind
            )
            for each in found.tests
        ),
        troubles=found.troubles,
    )


def token(found: records.Token) -> schema.Token:
    return schema.Token(**_token_fields(found))


def created_token(found: records.Token, printed: str) -> schema.CreatedToken:
    return schema.CreatedToken(**_token_fields(found), token=printed)


def _token_fields(found: records.Token) -> dict[str, Any]:
    return {
        "id": found.id,
        "user": found.user,
        "role": found.role,
        "projects": found.projects,
        "created": moment(found.created),
        "expires": moment_or_none(found.expires),
    }


def user(who: Principal) -> schema.User:
    projects = None if who.projects is None else tuple(sorted(who.projects))
    return schema.User(user=who.user, role=who.role.label, projects=projects)
