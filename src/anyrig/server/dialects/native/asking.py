"""What every operation needs: who asks, of which lab, and how answers are described."""

from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.server.limits import Traffic
from anyrig.server.web import lab_of, who_asks


async def _ordinary(request: Request) -> Principal:
    return await admitted(request, Traffic.ORDINARY)


async def _download(request: Request) -> Principal:
    return await admitted(request, Traffic.DOWNLOAD)


async def admitted(request: Request, traffic: Traffic) -> Principal:
    """Who asks. Raises Unauthenticated, TooManyRequests."""
    who = await who_asks(request)
    request.app.state.limits.admit(who.token, traffic)
    return who


async def _lab(request: Request) -> Lab:
    return lab_of(request)


Who = Annotated[Principal, Depends(_ordinary)]
"""Who asks; without a good token the operation is not reached."""
Downloader = Annotated[Principal, Depends(_download)]
"""The same for what clients fetch many of."""
TheLab = Annotated[Lab, Depends(_lab)]


def answers(name: str, status: int = 200, description: str = "Done.") -> dict[str, Any]:
    """For an operation's decorator: it answers with this schema. The answer itself is encoded by msgspec."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    content = {"application/json": {"schema": schema}}
    return {
        "status_code": status,
        "response_model": None,
        "responses": {status: {"description": description, "content": content}},
    }


def answers_text(media_type: str, description: str, *others: str) -> dict[str, Any]:
    """For an operation's decorator: it answers with something that is not JSON, of one of these types."""
    content = {each: {"schema": {"type": "string"}} for each in (media_type, *others)}
    responses = {200: {"description": description, "content": content}}
    return {"response_model": None, "response_class": Response, "responses": responses}


def takes(name: str) -> dict[str, Any]:
    """For an operation's decorator: its body is of this schema. It is decoded by msgspec."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"openapi_extra": {"requestBody": body}}
