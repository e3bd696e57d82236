"""Reservations: make, extend, end and interrupt them. They are looked at where their nodes are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.users import Principal
from anyrig.engine import reserve
from anyrig.server.dialects.stbt import wire_reservations as wire
from anyrig.server.dialects.stbt.endpoints import route
from anyrig.server.web import json_object, json_response, lab_of


def routes() -> list[Route]:
    one = "/api/v2/reservations/{reservation}"
    return [
        route("/api/v2/reservations", _reserve, "POST"),
        route(one, _end, "DELETE"),
        route(f"{one}/extend", _extend, "POST"),
        route(f"{one}/interrupt", _interrupt, "POST"),
    ]


async def _reserve(request: Request, who: Principal) -> Response:
    wanted = wire.wanted(await json_object(request))
    made = await reserve.reserve(lab_of(request), who, wanted)
    return json_response({"reservations": [wire.reservation_json(one, who.user) for one in made]})


async def _extend(request: Request, who: Principal) -> Response:
    number = _number(request)
    seconds = wire.seconds(await json_object(request))
    await reserve.extend(lab_of(request), who, number, seconds)
    return Response(status_code=204)


async def _end(request: Request, who: Principal) -> Response:
    await reserve.end(lab_of(request), who, _number(request))
    return Response(status_code=204)


async def _interrupt(request: Request, who: Principal) -> Response:
    number = _number(request)
    message = wire.message(await json_object(request))
    await reserve.interrupt(lab_of(request), who, number, message)
    return Response(status_code=204)


def _number(request: Request) -> int:
    return wire.number(request.path_params["reservation"])
