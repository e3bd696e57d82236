"""Nodes, and pictures of what is on their screens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.users import Principal
from anyrig.engine import node_views
from anyrig.server.dialects.stbt import wire_nodes
from anyrig.server.dialects.stbt.endpoints import route
from anyrig.server.web import base_url, json_response, lab_of


def routes() -> list[Route]:
    node = "/api/v2/nodes/{node}"
    return [
        route("/api/v2/nodes", _nodes),
        route(node, _node),
        route(f"{node}/screenshot.png", _picture),
        route(f"{node}/thumbnail.jpg", _picture),
        route("/api/_private/workgroup", _workgroup),
    ]


async def _nodes(request: Request, who: Principal) -> Response:
    base = base_url(request)
    views = await node_views.nodes(lab_of(request), who)
    return json_response([wire_nodes.node_json(view, base) for view in views])


async def _node(request: Request, who: Principal) -> Response:
    view = await node_views.node(lab_of(request), who, request.path_params["node"])
    return json_response(wire_nodes.node_json(view, base_url(request)))


async def _picture(request: Request, who: Principal) -> Response:
    await node_views.picture(lab_of(request), who, request.path_params["node"])


async def _workgroup(request: Request, who: Principal) -> Response:
    views = await node_views.nodes(lab_of(request), who)
    return json_response([wire_nodes.workgroup_json(view) for view in views])
