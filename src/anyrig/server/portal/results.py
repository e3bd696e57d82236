"""Results: the list that a filter makes, and one result with everything it left."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.errors import BadField, BadFilter
from anyrig.core.filters import JobIs, Sort, TextIs, parse_sort, to_text
from anyrig.core.messages import Artifact
from anyrig.core.records import ResultDetail
from anyrig.core.users import Principal
from anyrig.engine import filtering, pages, reads, result_reads
from anyrig.engine.pages import ResultsPage
from anyrig.server import cursors
from anyrig.server.object_response import object_response
from anyrig.server.portal.drawing import html
from anyrig.server.portal.log_lines import Line, lines_of
from anyrig.server.web import lab_of

_PER_PAGE = 50
_NEWEST = "date:desc"
_LOG_SHOWN = 128 * 1024
"""Bytes of the end of a log that the page itself shows."""
_HISTORY = 40
"""Results of the same test, this one among the newest."""
_THUMBNAIL = "thumbnail.jpg"
_LOGS = ("stbt.log", "combined.log")
_VIDEOS = (".mp4", ".webm")
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class Log:
    """The end of a result's log, for the page."""

    name: str
    lines: list[Line]
    is_whole: bool


async def show_list(request: Request, who: Principal) -> Response:
    """The results that ``filter`` lets through; a filter that makes no sense is answered beside it."""
    query = request.query_params
    text, sort, tz = query.get("filter", ""), query.get("sort") or _NEWEST, query.get("tz") or "UTC"
    lab, trouble, found, job = lab_of(request), "", ResultsPage([], None), None
    order = Sort(parse_sort(_NEWEST).field, descending=True)
    try:
        order = parse_sort(sort)
        wanted = filtering.parse(text, tz, lab.now())
        after = cursors.results_after(query["cursor"], order) if query.get("cursor") else None
        found = await pages.results_page(lab, who, wanted, _PER_PAGE, order, after)
        job = wanted.uid.rpartition("/")[2] if isinstance(wanted, JobIs) else None
    except (BadFilter, BadField) as error:
        trouble = str(error)
    return html(
        request,
        "results.html",
        who,
        400 if trouble else 200,
        filter=text,
        sort=sort,
        tz=tz,
        trouble=trouble,
        results=found.results,
        next=cursors.of_results(order, found.after),
        selected=query.get("selected_result", ""),
        job=job,
    )


async def show_one(request: Request, who: Principal) -> Response:
    """Verdict and reason first, then what led to it, then everything else."""
    lab = lab_of(request)
    found = await result_reads.detail(lab, who, _name(request))
    files = found.artifacts
    same_test = TextIs("testcase", found.result.testcase)
    history = (await pages.results_page(lab, who, same_test, _HISTORY)).results
    return html(
        request,
        "result.html",
        who,
        result=found.result,
        traceback=found.traceback,
        artifacts=files,
        videos=[file for file in files if file.name.endswith(_VIDEOS)],
        pictures=[file for file in files if file.name.endswith(_PICTURES) and file.name != _THUMBNAIL],
        poster=next((file for file in files if file.name == _THUMBNAIL), None),
        history=history[::-1],
        log=await _log(request, found),
        where=f"/app/result{found.result.result_id}/artifacts/",
        job_filter=to_text(JobIs(found.result.job_uid)),
        test_filter=to_text(same_test),
        job=await reads.job(lab, who, found.result.job_uid),
    )


async def send_artifact(request: Request, who: Principal) -> Response:
    """A file of a result, shown or (``?download``) saved; nothing in it runs in our origin."""
    lab = lab_of(request)
    file = await result_reads.artifact(lab, who, _name(request), [request.path_params["name"]])
    download = "download" in request.query_params
    return await object_response(
        request, lab.objects, file.sha256, file.name, file.size, file.md5, download=download
    )


def _name(request: Request) -> str:
    given = request.path_params
    return f"/{given['node']}/{given['series']}/{given['number']}/{given['time']}"


async def _log(request: Request, found: ResultDetail) -> Log | None:
    named = {file.name: file for file in found.artifacts}
    file = next((named[name] for name in _LOGS if name in named), None)
    return None if file is None else await _end_of(request, file, found.result.start)


async def _end_of(request: Request, file: Artifact, began: int) -> Log:
    objects, start = lab_of(request).objects, max(0, file.size - _LOG_SHOWN)
    data = b"".join([block async for block in objects.open(file.sha256, start, file.size)])
    if start:
        data = data.partition(b"\n")[2]
    return Log(file.name, lines_of(data.decode(errors="replace"), began), is_whole=not start)
