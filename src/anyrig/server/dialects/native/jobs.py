"""Jobs: to run tests, to watch them, to stop them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.errors import NotFound
from anyrig.core.records import Job, Task
from anyrig.core.told import Told, told_from
from anyrig.core.users import Principal
from anyrig.engine import pages, reads, requests
from anyrig.engine.lab import Lab
from anyrig.engine.live import Happening, NewResult, NoNews, Over, Standing, following
from anyrig.engine.logs import LogLines, log_of
from anyrig.engine.stop import stop
from anyrig.server import cursors
from anyrig.server.dialects.native import schema, wire
from anyrig.server.dialects.native.asking import Downloader, TheLab, Who, answers, answers_text, takes
from anyrig.server.event_stream import HEARTBEAT, EventNumbers, Streamed, event
from anyrig.server.web import base_url, json_body, json_response

router = APIRouter(tags=["jobs"])
_LONGEST_WAIT = 55.0
_PLAIN = "text/plain; charset=utf-8"
Seconds = Annotated[float, Query(ge=0, le=_LONGEST_WAIT)]
IdempotencyKey = Annotated[
    str | None, Header(description="The same key and body again give the same job, and no other one.")
]


@router.post("/jobs", **answers("Job", 201, "The job is committed."), **takes("NewJob"))
async def run_tests(
    request: Request, lab: TheLab, who: Who, idempotency_key: IdempotencyKey = None
) -> Response:
    """Run tests on one node. `409`: no node is free and `queue` is false; `422`: the key was used before."""
    data = await json_body(request)
    new = wire.decoded(data, schema.NewJob)
    key = None if idempotency_key is None else requests.key_of(who, idempotency_key, data)
    made = await requests.run(lab, who, wire.request(new), key)
    response = _job(request, made, 201)
    response.headers["location"] = f"{base_url(request)}/api/v3/jobs/{made.number}"
    return response


@router.get("/jobs", **answers("Jobs"))
async def list_jobs(
    request: Request,
    lab: TheLab,
    who: Who,
    live: Annotated[bool, Query(description="Only those that are not over.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """The newest first."""
    before = None if cursor is None else cursors.jobs_before(cursor)
    page = await pages.jobs_page(lab, who, limit, before, live=live)
    base = base_url(request)
    found = tuple(wire.job(job, base) for job in page.jobs)
    return json_response(schema.Jobs(jobs=found, next=cursors.of_jobs(page.after)))


@router.get("/jobs/{number}", **answers("Job"))
async def get_job(request: Request, lab: TheLab, who: Who, number: int) -> Response:
    """A job as it stands now."""
    return _job(request, await pages.job_numbered(lab, who, number))


@router.get("/jobs/{number}/wait", **answers("Job"))
async def wait_for_job(
    request: Request, lab: TheLab, who: Who, number: int, seconds: Seconds = 30.0
) -> Response:
    """Answers once the job is over, and otherwise after `seconds` with the job as it is then."""
    job = await pages.job_numbered(lab, who, number)
    return _job(request, await reads.wait_for_job(lab, who, job.uid, seconds))


@router.post("/jobs/{number}/stop", **answers("Job", description="It is over."))
async def stop_job(
    request: Request, lab: TheLab, who: Who, number: int, seconds: Seconds = _LONGEST_WAIT
) -> Response:
    """End the job and wait until it has ended. `202`: it was told to, and has not ended within `seconds`."""
    job = await pages.job_numbered(lab, who, number)
    stopped = await stop(lab, who, job.uid, seconds)
    return _job(request, stopped, 200 if stopped.is_over else 202)


@router.get("/jobs/{number}/tasks", **answers("Tasks"))
async def list_tasks(lab: TheLab, who: Who, number: int) -> Response:
    """The parts of the job, each on its node, with the reason why one waits."""
    job = await pages.job_numbered(lab, who, number)
    tasks = tuple(wire.task(task) for task in await pages.tasks_of(lab, job))
    return json_response(schema.Tasks(tasks=tasks))


@router.get("/jobs/{number}/log", **answers_text("text/plain", "The log so far, or to its end."))
async def read_log(
    lab: TheLab,
    who: Downloader,
    number: int,
    task: Annotated[int, Query(ge=0, description="The task's position.")] = 0,
    follow: Annotated[bool, Query(description="Go on until the job is over.")] = False,
) -> Response:
    """The log of one task."""
    job = await pages.job_numbered(lab, who, number)
    tasks = await pages.tasks_of(lab, job)
    if task >= len(tasks):
        raise NotFound(what="task", name=task)
    if follow:
        return Streamed(_lines(lab, who, number, task), _PLAIN)
    return Streamed(_log_now(lab, tasks[task]), _PLAIN)


@router.get("/jobs/{number}/events", **answers_text("text/event-stream", "Server-sent events."))
async def follow_job(
    request: Request,
    lab: TheLab,
    who: Downloader,
    number: int,
    last_event_id: Annotated[str, Header(description="Goes on behind this event.")] = "",
) -> Response:
    """What has happened to the job, and what happens, until it is over.

    The data of each event is JSON. `log`: whole lines of a task's log, as `{task, attempt, text}`.
    `result`: a Result. `state`: the `job` and its `tasks`, at each change. `end`: the Job, as the last event.
    """
    await pages.job_numbered(lab, who, number)
    told = told_from(last_event_id)
    return Streamed(_events(lab, who, number, told, base_url(request)), "text/event-stream")


def _job(request: Request, job: Job, status: int = 200) -> Response:
    return json_response(wire.job(job, base_url(request)), status)


def _events(
    lab: Lab, who: Principal, number: int, told: Told, base: str
) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    numbers = EventNumbers(told)

    async def encoded(happenings: AsyncIterator[Happening]) -> AsyncIterator[bytes]:
        async for happening in happenings:
            yield _event(happening, numbers, base)

    @asynccontextmanager
    async def events() -> AsyncIterator[AsyncIterator[bytes]]:
        async with following(lab, who, number, told) as happenings:
            yield encoded(happenings)

    return events()


def _event(happening: Happening, numbers: EventNumbers, base: str) -> bytes:
    match happening:
        case LogLines(task, attempt, _, text):
            data: Any = {"task": task, "attempt": attempt, "text": text.decode(errors="replace")}
            return event("log", data, numbers.after(happening))
        case NewResult(_, result):
            return event("result", wire.result(result), numbers.after(happening))
        case Standing(job, tasks):
            return event("state", {"job": wire.job(job, base), "tasks": [wire.task(task) for task in tasks]})
        case Over(job):
            return event("end", wire.job(job, base))
        case NoNews():
            return HEARTBEAT


@asynccontextmanager
async def _lines(lab: Lab, who: Principal, number: int, position: int) -> AsyncIterator[AsyncIterator[bytes]]:
    async with following(lab, who, number) as happenings:
        yield (
            happening.text
            async for happening in happenings
            if isinstance(happening, LogLines) and happening.task == position
        )


@asynccontextmanager
async def _log_now(lab: Lab, task: Task) -> AsyncIterator[AsyncIterator[bytes]]:
    async with aclosing(log_of(lab, task)) as blocks:
        yield (block async for _, block in blocks)
