"""Jobs: the list, one of them as it goes on, and the button that stops it."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anyrig.core.records import Result, Task
from anyrig.core.told import TaskTold, Told, told_from
from anyrig.core.users import Principal, Role
from anyrig.engine import pages
from anyrig.engine.lab import Lab
from anyrig.engine.live import Happening, NewResult, NoNews, Over, Standing, following
from anyrig.engine.logs import LogLines, log_of
from anyrig.engine.stop import stop
from anyrig.server import cursors
from anyrig.server.event_stream import HEARTBEAT, LAST_EVENT_ID, EventNumbers, Streamed, event
from anyrig.server.portal.drawing import drawn, html
from anyrig.server.web import lab_of

_PER_PAGE = 50
_RESULTS_SHOWN = 50
_SCREENS_SHOWN = 4
_STOP_SECONDS = 20.0
_LOG_SHOWN = 1_000_000
"""Bytes."""


async def show_list(request: Request, who: Principal) -> Response:
    """The newest first; ``live`` shows those only that are not over."""
    query = request.query_params
    live = "live" in query
    before = cursors.jobs_before(query["cursor"]) if query.get("cursor") else None
    found = await pages.jobs_page(lab_of(request), who, _PER_PAGE, before, live=live)
    return html(request, "jobs.html", who, jobs=found.jobs, next=cursors.of_jobs(found.after), live=live)


async def show_one(request: Request, who: Principal) -> Response:
    """The job as it stands; the page's script then follows it."""
    lab = lab_of(request)
    job = await pages.job_numbered(lab, who, request.path_params["number"])
    tasks = await pages.tasks_of(lab, job)
    return html(
        request,
        "job.html",
        who,
        job=job,
        tasks=tasks,
        results=[],
        screens=[] if job.is_over else await _screens(lab, who, tasks),
        may_stop=who.role >= Role.OPERATOR,
    )


async def _screens(lab: Lab, who: Principal, tasks: list[Task]) -> list[str]:
    """The nodes of the job that have a device, to look at while it runs."""
    mine = {task.node for task in tasks[:_SCREENS_SHOWN]}
    nodes = await pages.list_nodes(lab, who)
    return [node.record.name for node in nodes if node.record.device and node.record.name in mine]


async def follow(request: Request, who: Principal) -> Response:
    """Events: ``log`` with lines, ``page`` with what to show above them, ``end``."""
    lab, number = lab_of(request), request.path_params["number"]
    tasks = await pages.tasks_of(lab, await pages.job_numbered(lab, who, number))
    # The results are drawn anew for every page, so only the log goes on where it was.
    known = told_from(request.headers.get(LAST_EVENT_ID, ""))
    told = tuple(TaskTold(task.attempt, task.offset) for task in known) or tuple(map(_shown_from, tasks))
    return Streamed(_events(lab, who, number, told), "text/event-stream")


def _shown_from(task: Task) -> TaskTold:
    """Of a long log that is complete, a page shows only the end."""
    return TaskTold(task.attempt, max(0, (task.log_size or 0) - _LOG_SHOWN))


@asynccontextmanager
async def _events(lab: Lab, who: Principal, number: int, told: Told) -> AsyncIterator[AsyncIterator[bytes]]:
    async with following(lab, who, number, told) as happenings:
        yield _encoded(happenings, EventNumbers(told))


async def _encoded(happenings: AsyncIterator[Happening], numbers: EventNumbers) -> AsyncIterator[bytes]:
    results: deque[Result] = deque(maxlen=_RESULTS_SHOWN)
    async for happening in happenings:
        match happening:
            case LogLines(text=text):
                yield event("log", text.decode(errors="replace"), numbers.after(happening))
            case NewResult(_, result):
                results.appendleft(result)
            case Standing(job, tasks):
                yield event("page", drawn("job_now.html", job=job, tasks=tasks, results=results))
            case Over():
                yield event("end", "")
            case NoNews():
                yield HEARTBEAT


async def send_log(request: Request, who: Principal) -> Response:
    """The logs of the job's tasks so far, as text, one after the other."""
    lab = lab_of(request)
    job = await pages.job_numbered(lab, who, request.path_params["number"])
    return Streamed(_log_now(lab, await pages.tasks_of(lab, job)), "text/plain; charset=utf-8")


@asynccontextmanager
async def _log_now(lab: Lab, tasks: list[Task]) -> AsyncIterator[AsyncIterator[bytes]]:
    yield _blocks(lab, tasks)


async def _blocks(lab: Lab, tasks: list[Task]) -> AsyncIterator[bytes]:
    for task in tasks:
        async with aclosing(log_of(lab, task)) as blocks:
            async for _, block in blocks:
                yield block


async def stop_one(request: Request, who: Principal) -> Response:
    """Stop the job, wait a little for its end, and show it again."""
    lab = lab_of(request)
    job = await pages.job_numbered(lab, who, request.path_params["number"])
    await stop(lab, who, job.uid, _STOP_SECONDS)
    return RedirectResponse(f"/app/job/{job.number}", 303)
