"""Results: lists of them, one with everything it left, its log and its files."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from anyrig.core.errors import NotFound
from anyrig.core.messages import Artifact
from anyrig.core.users import Principal
from anyrig.engine import result_reads
from anyrig.server.dialects.stbt import wire_results
from anyrig.server.dialects.stbt.endpoints import Action, route
from anyrig.server.dialects.stbt.routes_jobs import in_zone
from anyrig.server.dialects.stbt.wire import flag
from anyrig.server.dialects.stbt.wire_log import LocalTimes, only_line, zone_named
from anyrig.server.limits import Traffic
from anyrig.server.object_response import object_response
from anyrig.server.web import base_url, json_response, lab_of

_LOG = "combined.log"
"""The artifact that ``stbt.log`` is made of."""


def routes() -> list[Route]:
    result = "/api/v2/results/{node}/{series}/{number}/{start}"
    download = Traffic.DOWNLOAD
    return [
        route("/api/v2/results", _list),
        route("/api/v2/results.csv", _csv),
        route("/api/v2/results.xml", _xml),
        route(result, _detail),
        route(f"{result}/stbt.log", _log, traffic=download),
        route(f"{result}/screenshot.png", _file("screenshot.png"), traffic=download),
        route(f"{result}/thumbnail.jpg", _file("thumbnail.jpg"), traffic=download),
        route(f"{result}/artifacts", _artifacts, traffic=download),
        route(result + "/artifacts/{name:path}", _artifact, traffic=download),
    ]


async def _list(request: Request, who: Principal) -> Response:
    asked = wire_results.query(request.query_params)
    found = await result_reads.find(
        lab_of(request), who, asked.filter, asked.tz, asked.sort, wire_results.LIMIT
    )
    base = base_url(request)
    return json_response([wire_results.result_json(result, base) for result in found])


async def _csv(request: Request, who: Principal) -> Response:
    asked = wire_results.query(request.query_params)
    found = await result_reads.find(
        lab_of(request), who, asked.filter, asked.tz, asked.sort, wire_results.LIMIT
    )
    return Response(wire_results.csv_text(found, base_url(request)), media_type="text/csv; charset=utf-8")


async def _xml(request: Request, who: Principal) -> Response:
    asked = wire_results.query(request.query_params)
    include_tz = flag(request.query_params.get("include_tz"))
    found = await result_reads.find_traced(
        lab_of(request), who, asked.filter, asked.tz, asked.sort, wire_results.LIMIT
    )
    document = await asyncio.to_thread(wire_results.xml_bytes, found, include_tz=include_tz)
    return Response(document, media_type="application/xml; charset=utf-8")


async def _detail(request: Request, who: Principal) -> Response:
    detail = await result_reads.detail(lab_of(request), who, _result_id(request))
    return json_response(wire_results.detail_json(detail, base_url(request)))


async def _log(request: Request, who: Principal) -> Response:
    zone = zone_named(request.query_params.get("tz"))
    lab = lab_of(request)
    detail = await result_reads.detail(lab, who, _result_id(request))
    log = next((file for file in detail.artifacts if file.name == _LOG), None)
    if log is None:
        # A test that could not even begin has no log; what its user reads instead is why.
        reason = only_line(detail.result.end, detail.result.failure_reason or "")
        return _text(LocalTimes(zone).feed(reason) if zone else reason)
    if zone is None:
        return await _serve(request, log, "stbt.log")
    if await lab.objects.size(log.sha256) is None:
        raise NotFound(what="artifact", name=_LOG)
    blocks = lab.objects.open(log.sha256, 0, log.size)
    return StreamingResponse(in_zone(blocks, LocalTimes(zone)), media_type="text/plain; charset=utf-8")


async def _artifacts(request: Request, who: Principal) -> Response:
    detail = await result_reads.detail(lab_of(request), who, _result_id(request))
    return json_response(wire_results.artifacts_json(detail.artifacts))


async def _artifact(request: Request, who: Principal) -> Response:
    scope = request.scope
    names = wire_results.artifact_names(
        request.path_params["name"], scope.get("raw_path", b""), scope["query_string"]
    )
    found = await result_reads.artifact(lab_of(request), who, _result_id(request), names)
    return await _serve(request, found, found.name)


def _file(name: str) -> Action:
    """Serves one artifact, if the result has it."""

    async def answer(request: Request, who: Principal) -> Response:
        found = await result_reads.artifact(lab_of(request), who, _result_id(request), [name])
        return await _serve(request, found, name)

    return answer


async def _serve(request: Request, file: Artifact, name: str) -> Response:
    return await object_response(request, lab_of(request).objects, file.sha256, name, file.size, file.md5)


def _result_id(request: Request) -> str:
    params = request.path_params
    return f"/{params['node']}/{params['series']}/{params['number']}/{params['start']}"


def _text(data: bytes) -> Response:
    return Response(data, media_type="text/plain; charset=utf-8")
