"""Results and what they left."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.filters import parse_sort
from anyrig.engine import filtering, keeping, pages, result_reads
from anyrig.server import cursors
from anyrig.server.dialects.native import schema, wire, wire_retention
from anyrig.server.dialects.native.asking import Downloader, TheLab, Who, answers, answers_text
from anyrig.server.object_response import object_response
from anyrig.server.web import base_url, json_response

router = APIRouter(tags=["results"])
_ONE = "/results/{node}/{series}/{number}/{time}"
"""A result_id is ``/node/series/number/time``, so it stands in a path as it is."""
_FILE = f"{_ONE}/artifacts/{{name:path}}"
Text = Annotated[str, Path(max_length=100)]


@router.get("/results", **answers("Results"))
async def list_results(
    lab: TheLab,
    who: Who,
    filter: Annotated[  # noqa: A002 - the parameter's name
        str, Query(description="Such as `job:/tv1/0a23/972 result:fail`; empty is everything.")
    ] = "",
    sort: Annotated[
        str,
        Query(
            description="`category`, `date`, `duration`, `job`, `testcase` or `result`, `:asc` or `:desc`."
        ),
    ] = "date:desc",
    tz: Annotated[str, Query(description="The zone of dates in the filter that have none.")] = "UTC",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """Results, the newest first unless asked for otherwise."""
    order = parse_sort(sort)
    after = None if cursor is None else cursors.results_after(cursor, order)
    wanted = filtering.parse(filter, tz, lab.now())
    page = await pages.results_page(lab, who, wanted, limit, order, after)
    found = tuple(wire.result(result) for result in page.results)
    return json_response(schema.Results(results=found, next=cursors.of_results(order, page.after)))


@router.get(_ONE, **answers("ResultDetail"))
async def get_result(
    request: Request, lab: TheLab, who: Downloader, node: Text, series: Text, number: int, time: Text
) -> Response:
    """A result with its traceback and the list of its artifacts. `410`: it was deleted."""
    found = await result_reads.detail(lab, who, f"/{node}/{series}/{number}/{time}")
    return json_response(wire.result_detail(found, base_url(request)))


@router.get(f"{_ONE}/artifacts", **answers("Artifacts"))
async def list_artifacts(
    request: Request, lab: TheLab, who: Downloader, node: Text, series: Text, number: int, time: Text
) -> Response:
    """The files that a result left, by name."""
    found = await result_reads.detail(lab, who, f"/{node}/{series}/{number}/{time}")
    files = wire.artifacts(found.result.result_id, found.artifacts, base_url(request))
    return json_response(schema.Artifacts(artifacts=files))


@router.put(f"{_ONE}/pin", status_code=204, response_model=None)
async def pin_result(lab: TheLab, who: Who, node: Text, series: Text, number: int, time: Text) -> Response:
    """Keep the result, however old it gets."""
    await keeping.pin(lab, who, f"/{node}/{series}/{number}/{time}", pinned=True)
    return Response(status_code=204)


@router.delete(f"{_ONE}/pin", status_code=204, response_model=None)
async def unpin_result(lab: TheLab, who: Who, node: Text, series: Text, number: int, time: Text) -> Response:
    """Let it go when its time has come."""
    await keeping.pin(lab, who, f"/{node}/{series}/{number}/{time}", pinned=False)
    return Response(status_code=204)


@router.get("/retention", **answers("Retention"))
async def get_retention(lab: TheLab, who: Who) -> Response:
    """By which rules results are removed, and what they would remove now. For administrators."""
    return json_response(wire_retention.retention(lab.retention, await keeping.what_would_go(lab, who)))


@router.head(_FILE, include_in_schema=False)
@router.get(
    _FILE, **answers_text("application/octet-stream", "The file, or the range of it that was asked for.")
)
async def get_artifact(
    request: Request,
    lab: TheLab,
    who: Downloader,
    node: Text,
    series: Text,
    number: int,
    time: Text,
    name: str,
    download: Annotated[bool, Query(description="Ask a browser to save it.")] = False,
) -> Response:
    """A file; conditional requests and single ranges are served (RFC 9110)."""
    file = await result_reads.artifact(lab, who, f"/{node}/{series}/{number}/{time}", [name])
    return await object_response(
        request, lab.objects, file.sha256, file.name, file.size, file.md5, download=download
    )
