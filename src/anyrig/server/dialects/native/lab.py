"""What the lab consists of: nodes, projects and their tests."""

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from anyrig.engine import node_devices, pages, projects
from anyrig.server.dialects.native import schema, schema_nodes, wire, wire_nodes
from anyrig.server.dialects.native.asking import Downloader, TheLab, Who, answers, answers_text, takes
from anyrig.server.web import base_url, json_body, json_response, picture_response

router = APIRouter()


@router.get("/nodes", tags=["nodes"], **answers("Nodes"))
async def list_nodes(lab: TheLab, who: Who) -> Response:
    """All nodes by name, and how they stand."""
    found = tuple(wire_nodes.node(node, who.user) for node in await pages.list_nodes(lab, who))
    return json_response(schema_nodes.Nodes(nodes=found))


@router.get("/nodes/{name}", tags=["nodes"], **answers("Node"))
async def get_node(lab: TheLab, who: Who, name: str) -> Response:
    """One node."""
    return json_response(wire_nodes.node(await pages.find_node(lab, who, name), who.user))


@router.get(
    "/nodes/{name}/screenshot",
    tags=["nodes"],
    **answers_text(
        "image/png",
        "What is on the screen; `X-Taken` says when, in microseconds since 1970.",
        "image/jpeg",
    ),
)
async def get_screenshot(
    lab: TheLab,
    who: Downloader,
    name: str,
    format: Literal["png", "jpeg"] = "png",  # noqa: A002 - the parameter's name in the API
    width: int | None = None,
) -> Response:
    """What is on the screen of the node's device now, as wide as asked for."""
    return picture_response(await node_devices.picture(lab, who, name, format, width))


@router.post("/nodes/{name}/press", tags=["nodes"], status_code=204, response_model=None, **takes("KeyPress"))
async def press_key(request: Request, lab: TheLab, who: Who, name: str) -> Response:
    """Press a key on the node's device; answers when it is up again."""
    await node_devices.press(lab, who, name, wire_nodes.press(await json_body(request)))
    return Response(status_code=204)


@router.get("/projects", tags=["projects"], **answers("Projects"))
async def list_projects(request: Request, lab: TheLab, who: Who) -> Response:
    """All projects that the token opens; the first is the default one."""
    base = base_url(request)
    found = tuple(wire.project(project, base) for project in await projects.list_projects(lab, who))
    return json_response(schema.Projects(projects=found))


@router.post("/projects", tags=["projects"], **answers("Project", 201, "It is there."), **takes("NewProject"))
async def create_project(request: Request, lab: TheLab, who: Who) -> Response:
    """Create a project whose test pack follows `source`, or is pushed to. For administrators."""
    new = wire.decoded(await json_body(request), schema.NewProject)
    made = await projects.create_project(lab, who, new.name, new.source)
    return json_response(wire.project(made, base_url(request)), 201)


@router.get("/projects/{name}/tests", tags=["projects"], **answers("Tests"))
async def list_tests(lab: TheLab, who: Who, name: str, revision: str = "HEAD") -> Response:
    """The tests of the project's test pack at a branch, tag or commit."""
    return json_response(wire.tests(await projects.list_tests(lab, who, name, revision)))


@router.post("/projects/{name}/fetch", tags=["projects"], **answers("Project"))
async def fetch_project(request: Request, lab: TheLab, who: Who, name: str) -> Response:
    """Bring the test pack up to date with what it follows, now."""
    found = await projects.fetch_project(lab, who, name)
    return json_response(wire.project(found, base_url(request)))
