"""Reservations: nodes kept for one user, and the wait for one to be free."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from anyrig.engine import expiry, reserve
from anyrig.server import cursors
from anyrig.server.dialects.native import schema_nodes, wire_nodes
from anyrig.server.dialects.native.asking import TheLab, Who, answers, takes
from anyrig.server.dialects.native.wire import decoded
from anyrig.server.web import json_body, json_response

router = APIRouter(tags=["reservations"])


@router.post("/reservations", **answers("Reservations", 201, "All are reserved."), **takes("NewReservation"))
async def reserve_nodes(request: Request, lab: TheLab, who: Who) -> Response:
    """Reserve all these nodes or, with `409` and the reason of each that is in the way, none.

    Until the reservation is ended, interrupted or expires, nobody else can run tests on them, stop those that
    run there, or press keys.
    """
    new = decoded(await json_body(request), schema_nodes.NewReservation)
    made = await reserve.reserve(lab, who, reserve.Wanted(new.nodes, new.message, new.seconds))
    return json_response(wire_nodes.reservations(made, who.user), 201)


@router.get("/reservations", **answers("Reservations"))
async def list_reservations(
    lab: TheLab,
    who: Who,
    every: Annotated[
        bool, Query(alias="all", description="Those that are over too, the newest first.")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="With `all`.")] = 100,
    cursor: Annotated[str | None, Query(description="With `all`.")] = None,
) -> Response:
    """Those that hold a node now, by the names of the nodes."""
    if not every:
        return json_response(wire_nodes.reservations(await reserve.list_held(lab), who.user))
    before = None if cursor is None else cursors.reservations_before(cursor)
    found, after = await reserve.list_all(lab, limit, before)
    return json_response(wire_nodes.reservations(found, who.user, cursors.of_reservations(after)))


@router.get("/reservations/{number}", **answers("Reservation"))
async def get_reservation(lab: TheLab, who: Who, number: int) -> Response:
    """One, whether it holds its node or is over."""
    return json_response(wire_nodes.reservation(await reserve.find(lab, number), who.user))


@router.post("/reservations/{number}/extend", **answers("Reservation"), **takes("MoreTime"))
async def extend_reservation(request: Request, lab: TheLab, who: Who, number: int) -> Response:
    """Let it expire later. For its owner. `409`: it is over."""
    more = decoded(await json_body(request), schema_nodes.MoreTime)
    return json_response(
        wire_nodes.reservation(await reserve.extend(lab, who, number, more.seconds), who.user)
    )


@router.post("/reservations/{number}/interrupt", **answers("Reservation"), **takes("Interruption"))
async def interrupt_reservation(request: Request, lab: TheLab, who: Who, number: int) -> Response:
    """End somebody else's, and tell them why."""
    why = decoded(await json_body(request), schema_nodes.Interruption)
    return json_response(
        wire_nodes.reservation(await reserve.interrupt(lab, who, number, why.message), who.user)
    )


@router.delete("/reservations/{number}", status_code=204, response_model=None)
async def end_reservation(lab: TheLab, who: Who, number: int) -> Response:
    """The node is free for everybody. For the owner of the reservation; one that is over stays as it is."""
    await reserve.end(lab, who, number)
    return Response(status_code=204)


@router.get("/nodes/{name}/wait", **answers("Node"))
async def wait_for_node(
    lab: TheLab, who: Who, name: str, seconds: Annotated[float, Query(ge=0, le=55)] = 30.0
) -> Response:
    """Answers once the node can be reserved, and otherwise after `seconds` with the node as it is then."""
    return json_response(wire_nodes.node(await expiry.wait_until_free(lab, who, name, seconds), who.user))
