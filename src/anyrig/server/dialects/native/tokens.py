"""Who may use the API."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from anyrig.engine import tokens
from anyrig.server.dialects.native import schema, wire
from anyrig.server.dialects.native.asking import TheLab, Who, answers, takes
from anyrig.server.web import json_body, json_response

router = APIRouter(tags=["access"])


@router.get("/users/me", **answers("User"))
async def get_user(who: Who) -> Response:
    """Who holds the token that was sent."""
    return json_response(wire.user(who))


@router.get("/tokens", **answers("Tokens"))
async def list_tokens(lab: TheLab, who: Who) -> Response:
    """All access tokens, without their secrets. For administrators."""
    found = tuple(wire.token(token) for token in await tokens.list_tokens(lab, who))
    return json_response(schema.Tokens(tokens=found))


@router.post("/tokens", **answers("CreatedToken", 201, "It works."), **takes("NewToken"))
async def create_token(request: Request, lab: TheLab, who: Who) -> Response:
    """A new access token of a user, who is created if need be. Its secret is shown this once."""
    new = wire.decoded(await json_body(request), schema.NewToken)
    expires = wire.microseconds(new.expires)
    made, printed = await tokens.create_token(lab, who, new.user, new.role, new.projects, expires)
    return json_response(wire.created_token(made, printed), 201)


@router.delete("/tokens/{token_id}", status_code=204, response_model=None)
async def revoke_token(lab: TheLab, who: Who, token_id: str) -> Response:
    """The token stops working. For administrators."""
    await tokens.revoke_token(lab, who, token_id)
    return Response(status_code=204)
