"""What all dialects share of HTTP: one path form, JSON, bodies within bounds, our address."""

import json
from typing import Any

import msgspec
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from anyrig.core.errors import Invalid
from anyrig.core.users import Principal
from anyrig.engine.lab import Lab
from anyrig.engine.node_devices import Picture
from anyrig.server import auth

_BODY_LIMIT = 4 * 1024 * 1024
_encoder = msgspec.json.Encoder()


class OnePath:
    """Collapses duplicate slashes and drops a trailing one, before routing: clients are loose with both."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        if "\0" in path:  # no name has one, and not every database can be asked for it
            await text_response("There is nothing at this address", 404)(scope, receive, send)
            return
        if b"%00" in scope.get("query_string", b""):
            await text_response("A parameter has a NUL character", 400)(scope, receive, send)
            return
        if "//" in path or (path.endswith("/") and path != "/"):
            plain = "/" + "/".join(part for part in path.split("/") if part)
            scope = {**scope, "path": plain, "given_path": path}
        await self._app(scope, receive, send)


def json_response(value: Any, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status, media_type="application/json")


def text_response(text: str, status: int = 200) -> Response:
    """One sentence, as clients print it."""
    return Response(f"{text}\n", status, media_type="text/plain")


def picture_response(picture: Picture) -> Response:
    """What a device shows now: never to be kept."""
    headers = {"cache-control": "no-store", "x-taken": str(picture.taken)}
    return Response(picture.image, 200, headers, picture.media_type)


async def body(request: Request, limit: int = _BODY_LIMIT) -> bytes:
    """The whole body. Raises Invalid when it is longer than ``limit`` bytes."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise Invalid(reason=f"the body is longer than {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


async def json_body(request: Request) -> bytes:
    """The whole body, which is to be JSON. Raises Invalid when a text in it has a NUL: none of ours has."""
    data = await body(request)
    if rb"\u0000" in data:
        raise Invalid(reason="a text has a NUL character")
    return data


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object, whatever its Content-Type says. Raises Invalid."""
    data = await json_body(request)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Invalid(reason=f"the body is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise Invalid(reason="the body is not a JSON object")
    return value


def lab_of(request: Request) -> Lab:
    lab: Lab = request.app.state.lab
    return lab


async def who_asks(request: Request) -> Principal:
    """Raises Unauthenticated."""
    lab = lab_of(request)
    return await auth.principal(request, lab.access, lab.now())


def base_url(request: Request) -> str:
    """``http://host:port`` as the client sees us, without a slash at the end."""
    public: str | None = request.app.state.around.public_url
    return public or str(URL(scope={**request.scope, "path": "", "query_string": b""})).rstrip("/")
