"""Nodes: what there is, and what it is doing."""

from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.users import Principal
from anyrig.engine import pages
from anyrig.server.portal.drawing import html
from anyrig.server.web import lab_of


async def show_list(request: Request, who: Principal) -> Response:
    """All nodes by name."""
    return html(request, "nodes.html", who, nodes=await pages.list_nodes(lab_of(request), who))
