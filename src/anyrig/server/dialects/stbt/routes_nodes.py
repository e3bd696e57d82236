"""Nodes, and pictures of what is on their screens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.devices import THUMBNAIL_WIDTH
from anyrig.core.users import Principal
from anyrig.engine import node_devices, node_views
from anyrig.server.dialects.stbt import wire_nodes
from anyrig.server.dialects.stbt.endpoints import route
from anyrig.server.limits import Traffic
from anyrig.server.web import base_url, json_object, json_response, lab_of, picture_response


def routes() -> list[Route]:
    node = "/api/v2/nodes/{node}"
    return [
        route("/api/v2/nodes", _nodes),
        route(node, _node),
        route(f"{node}/screenshot.png", _screenshot, traffic=Traffic.DOWNLOAD),
        route(f"{node}/thumbnail.jpg", _thumbnail, traffic=Traffic.DOWNLOAD),
        route(f"{node}/press", _press, "POST"),
        route("/api/_private/workgroup", _workgroup),
    ]


async def _nodes(request: Request, who: Principal) -> Response:
    base = base_url(request)
    views = await node_views.nodes(lab_of(request), who)
    return json_response([wire_nodes.node_json(view, base, who.user) for view in views])


async def _node(request: Request, who: Principal) -> Response:
    view = await node_views.node(lab_of(request), who, request.path_params["node"])
    return json_response(wire_nodes.node_json(view, base_url(request), who.user))


async def _screenshot(request: Request, who: Principal) -> Response:
    found = await node_devices.picture(lab_of(request), who, request.path_params["node"])
    return picture_response(found)


async def _thumbnail(request: Request, who: Principal) -> Response:
    node = request.path_params["node"]
    found = await node_devices.picture(lab_of(request), who, node, "jpeg", THUMBNAIL_WIDTH)
    return picture_response(found)


async def _press(request: Request, who: Principal) -> Response:
    wanted = wire_nodes.press_from(await json_object(request))
    await node_devices.press(lab_of(request), who, request.path_params["node"], wanted)
    return json_response({})


async def _workgroup(request: Request, who: Principal) -> Response:
    views = await node_views.nodes(lab_of(request), who)
    return json_response([wire_nodes.workgroup_json(view) for view in views])
