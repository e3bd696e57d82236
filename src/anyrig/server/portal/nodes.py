"""Nodes: what there is, what it is doing, what is on its screen, and the keys of its remote control."""

from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.errors import AnyrigError
from anyrig.core.filters import TextIs
from anyrig.core.users import Principal, Role
from anyrig.engine import node_devices, node_views, pages, reserve
from anyrig.engine.node_devices import Press
from anyrig.server.portal.drawing import html
from anyrig.server.portal.keypad import KEYPAD
from anyrig.server.portal.page import sentence
from anyrig.server.web import json_object, lab_of, picture_response

_RESULTS_SHOWN = 8
_NARROWEST, _USUAL_WIDTH, _WIDEST = 64, 640, 1920
"""Pixels."""


async def show_list(request: Request, who: Principal) -> Response:
    """All nodes by name, and what became of the reader's reservations."""
    lab = lab_of(request)
    found = await pages.list_nodes(lab, who)
    return html(request, "nodes.html", who, nodes=found, interruptions=await reserve.interruptions(lab, who))


async def show_one(request: Request, who: Principal) -> Response:
    """One node: its screen and its keys first."""
    lab, name = lab_of(request), request.path_params["name"]
    node = await pages.find_node(lab, who, name)
    configs = await node_views.configs_of(lab, who, [name])
    results = await pages.results_page(lab, who, TextIs("node", name), _RESULTS_SHOWN)
    device = node.record.device
    return html(
        request,
        "node.html",
        who,
        node=node,
        config=configs[name],
        results=results.results,
        keypad=KEYPAD,
        may_press=bool(device and device.control and node.now.online and who.role >= Role.OPERATOR),
    )


async def send_picture(request: Request, who: Principal) -> Response:
    """What is on the screen now, as JPEG; the page shows one after the other. A refusal is one sentence."""
    wanted = request.query_params.get("width", "")
    width = min(max(int(wanted), _NARROWEST), _WIDEST) if wanted.isdecimal() else _USUAL_WIDTH
    try:
        found = await node_devices.picture(
            lab_of(request), who, request.path_params["name"], "jpeg", width, note=False
        )
    except AnyrigError as error:
        return sentence(error)
    return picture_response(found)


async def press_key(request: Request, who: Principal) -> Response:
    """``{"key": …}``. A refusal is one sentence."""
    try:
        wanted = Press(str((await json_object(request)).get("key", "")))
        await node_devices.press(lab_of(request), who, request.path_params["name"], wanted)
    except AnyrigError as error:
        return sentence(error)
    return Response(status_code=204)
