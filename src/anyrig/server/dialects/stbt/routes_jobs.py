"""Jobs: start one, look at it, wait for it, stop it, read its log."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine import node_views, of_node, pack_tests, reads
from anyrig.engine.job_logs import log_of_job
from anyrig.engine.stop import stop
from anyrig.server.dialects.stbt import wire_jobs, wire_runs
from anyrig.server.dialects.stbt.endpoints import route
from anyrig.server.dialects.stbt.wire_log import LocalTimes, zone_named
from anyrig.server.limits import Traffic
from anyrig.server.web import base_url, json_object, json_response, lab_of

_TEXT = "text/plain; charset=utf-8"


def routes() -> list[Route]:
    job = "/api/v2/jobs/{node}/{series}/{number}"
    node = "/api/v2/nodes/{node}/job"
    return [
        route("/api/v2/run_tests", _run_tests, "POST"),
        route(job, _job),
        route(f"{job}/await_completion", _await_job, traffic=Traffic.WAIT),
        route(f"{job}/stop", _stop_job, "PUT", "POST"),
        route(f"{job}/log", _log, traffic=Traffic.DOWNLOAD),
        route(node, _node_job),
        route(f"{node}/await_completion", _await_node, traffic=Traffic.WAIT),
        route(f"{node}/stop", _stop_node, "PUT", "POST"),
    ]


async def _run_tests(request: Request, who: Principal) -> Response:
    wanted = wire_runs.pack_run(await json_object(request))
    job = await pack_tests.run_tests(lab_of(request), who, wanted)
    return _answer(request, job)


async def _job(request: Request, who: Principal) -> Response:
    uid = _uid(request)
    if wire_jobs.is_no_job(uid):
        return await _no_job(request)
    return _answer(request, await reads.job(lab_of(request), who, uid))


async def _await_job(request: Request, who: Principal) -> Response:
    uid = _uid(request)
    if wire_jobs.is_no_job(uid):
        return await _no_job(request)
    return _awaited(uid, over=await reads.over_within(lab_of(request), who, uid, _hold(request)))


async def _stop_job(request: Request, who: Principal) -> Response:
    uid = _uid(request)
    if wire_jobs.is_no_job(uid):
        who.require(Role.OPERATOR, "stop jobs")
        return await _no_job(request)
    return _stopped(request, await stop(lab_of(request), who, uid, _hold(request)))


async def _node_job(request: Request, who: Principal) -> Response:
    job = await of_node.job_of_node(lab_of(request), who, _node(request))
    return _answer(request, job)


async def _await_node(request: Request, who: Principal) -> Response:
    job = await of_node.wait_for_node(lab_of(request), who, _node(request), _hold(request))
    return _answer(request, job) if job is None else _awaited(job.uid, over=job.is_over)


async def _stop_node(request: Request, who: Principal) -> Response:
    job = await of_node.stop_node(lab_of(request), who, _node(request), _hold(request))
    return _stopped(request, job)


async def _log(request: Request, who: Principal) -> Response:
    uid, lab = _uid(request), lab_of(request)
    zone = zone_named(request.query_params.get("tz"))
    if wire_jobs.is_no_job(uid):
        await node_views.require_node(lab, _node(request))
        return Response(media_type=_TEXT)
    blocks = await log_of_job(lab, who, uid)
    return StreamingResponse(in_zone(blocks, LocalTimes(zone)) if zone else blocks, media_type=_TEXT)


async def in_zone(blocks: AsyncIterator[bytes], times: LocalTimes) -> AsyncIterator[bytes]:
    """A log's blocks with local times; blocks have megabytes, so they are rendered in a thread."""
    async for block in blocks:
        yield await asyncio.to_thread(times.feed, block)
    yield times.end()


def _node(request: Request) -> str:
    return str(request.path_params["node"])


def _uid(request: Request) -> str:
    params = request.path_params
    return f"/{params['node']}/{params['series']}/{params['number']}"


def _hold(request: Request) -> float:
    """For how many seconds a long poll is held: the document promises 55."""
    return float(request.app.state.hold)


async def _no_job(request: Request) -> Response:
    await node_views.require_node(lab_of(request), _node(request))
    return _answer(request, None)


def _answer(request: Request, job: Job | None, status: int = 200) -> Response:
    base = base_url(request)
    if job is None:
        return json_response(wire_jobs.no_job_json(_node(request), base))
    return json_response(wire_jobs.job_json(job, base), status)


def _awaited(uid: str, *, over: bool) -> Response:
    return json_response({"job_uid": uid}, 200 if over else 202)


def _stopped(request: Request, job: Job | None) -> Response:
    return _answer(request, job, 200 if job is None or job.is_over else 202)
