"""Tests of kind build: to create and remove them, and to read what was said of them.

Their names are paths, so nothing can follow a name in an address: records and app files have their own.
"""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.build_records import Channel
from anyrig.engine import build_views, builds
from anyrig.server import cursors
from anyrig.server.builds_around import BuildsAround
from anyrig.server.dialects.native import wire_builds
from anyrig.server.dialects.native.asking import Downloader, TheLab, Who, answers, answers_text, takes
from anyrig.server.web import base_url, json_body, json_response

router = APIRouter(tags=["builds"])
_YAML = "application/yaml"
LevelName = Literal["debug", "info", "warning", "error", "critical"]
ChannelName = Literal["test", "actions", "run"]


@router.get("/builds", **answers("Builds"))
async def list_builds(request: Request, lab: TheLab, who: Who) -> Response:
    """All that the token opens, by name."""
    found = await build_views.list_builds(lab, who)
    return json_response(wire_builds.builds(found, base_url(request)))


@router.post("/builds", **answers("Build", 201, "It is there."), **takes("NewBuild"))
async def create_build(request: Request, lab: TheLab, who: Who) -> Response:
    """Create a build from its app file. `409`: there is one of this name.

    To run it, create a job whose `tests` are `["build:NAME"]`; its `params` take the places of those in the
    app file.
    """
    around: BuildsAround = request.app.state.around.builds
    made = await builds.create(lab, who, wire_builds.config(await json_body(request)), around.check)
    base = base_url(request)
    response = json_response(wire_builds.build(build_views.Seen(made), base), 201)
    response.headers["location"] = f"{base}/api/v3/builds/{quote(made.listen_point)}"
    return response


@router.get("/builds/{name:path}", **answers("Build"))
async def get_build(request: Request, lab: TheLab, who: Who, name: str) -> Response:
    """One build, and how it stands."""
    return json_response(wire_builds.build(await build_views.find_build(lab, who, name), base_url(request)))


@router.delete("/builds/{name:path}", status_code=204, response_model=None)
async def remove_build(lab: TheLab, who: Who, name: str) -> Response:
    """Its name is free, and its webhooks are refused; runs that were asked for still run."""
    await builds.remove(lab, who, name)
    return Response(status_code=204)


@router.get("/build-records/{name:path}", **answers("BuildRecords"))
async def list_build_records(
    lab: TheLab,
    who: Who,
    name: str,
    level: Annotated[LevelName, Query(description="Of this level and higher ones.")] = "info",
    channel: Annotated[ChannelName | None, Query(description="Else of all of them.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """What was said of a build and of its runs, the newest first."""
    build = await builds.find(lab, who, name)
    found = await build_views.records_page(
        lab,
        build,
        limit,
        None if cursor is None else cursors.records_before(cursor),
        level=wire_builds.level(level),
        channel=None if channel is None else Channel(channel),
    )
    return json_response(wire_builds.records(found, cursors.of_records(found.after)))


@router.get("/build-files/{name:path}", **answers_text(_YAML, "The app file, as it was given."))
async def get_app_file(lab: TheLab, who: Downloader, name: str) -> Response:
    """The app file that the build was created from. There may be passwords in it: for operators."""
    text = await build_views.app_file(lab, who, name)
    return Response(text.encode("utf-8", "replace"), media_type=_YAML)
