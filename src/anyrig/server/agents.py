"""What agents ask for over HTTP: to be created, to enrol, to bring files."""

import ipaddress

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.errors import BadField, Invalid
from anyrig.core.messages import Enrol, Enrolled
from anyrig.core.nodes import presence_seconds
from anyrig.engine import agents
from anyrig.server import auth, objects
from anyrig.server.web import json_body, json_object, json_response, lab_of, who_asks
from anyrig.storage.artifacts import Objects


def routes(store: Objects) -> list[Route]:
    return [
        Route("/api/v3/agents", _create, methods=["POST"]),
        Route("/api/v3/agent/enrol", _enrol, methods=["POST"]),
        *objects.routes(store, _agent),
    ]


async def _agent(request: Request) -> str:
    return await auth.agent(request, lab_of(request).access)


async def _create(request: Request) -> Response:
    """``{"name": …}`` -> ``{"name": …, "secret": …}``: the secret is shown this once."""
    who = await who_asks(request)
    name = (await json_object(request)).get("name")
    if not isinstance(name, str):
        raise BadField(field="name", reason="it must be a string")
    return json_response({"name": name, "secret": await agents.create(lab_of(request), who, name)}, 201)


async def _enrol(request: Request) -> Response:
    agent = await _agent(request)
    try:
        offered = msgspec.json.decode(await json_body(request), type=Enrol)
    except msgspec.MsgspecError as error:
        raise Invalid(reason=str(error)) from None
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    address = request.client.host if request.client else None
    await agents.enrol(lab_of(request), agent, offered, address)
    around = request.app.state.around
    direct = around.bus_url if around.bus_is_shared or _is_local(address) else ""
    return json_response(Enrolled(direct, presence_seconds(lab_of(request).limits.lease)))


def _is_local(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
