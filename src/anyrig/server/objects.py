"""How agents bring objects: ``/api/v3/agent/objects``.

* ``POST`` stores small objects, many in one request: the length of a header (4 bytes, big-endian), the header
  (a JSON list of ``{"sha256", "md5", "size"}``, digests in hex), then the objects' bytes one after the other;
  8 MB in all. 204.
* ``HEAD /{sha256}``: 200 when the object is there; else 404, and ``Upload-Offset`` says how much of it is.
* ``PUT /{sha256}`` sends one object, or with ``Content-Range: bytes START-END/TOTAL`` the rest of it; END is
  always its last byte, and ``bytes */TOTAL`` means that all has been sent. ``Content-MD5`` is the MD5 of the
  whole object, in base64 (RFC 1864) or hex. 201 when it is stored, 204 when it was there, 409 with
  ``Upload-Offset`` when the upload goes on elsewhere.

Both answer 422 for bytes that are not what was announced, 507 when the disk is full, 503 when somebody else
sends the same object or the store does not answer. Refusals are problem details (RFC 9457).
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import accumulate, pairwise

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.errors import AnyrigError, BadObject, Invalid, StoreFull, Unavailable, WrongOffset
from anyrig.server.ranges import offered
from anyrig.storage.artifacts import Objects

PREFIX = "/api/v3/agent/objects"
MAX_BATCH = 8_000_000
"""Bytes of a batch of small objects, header included: all that is held in memory for one request."""
_SILENCE = 30.0
"""Seconds without a byte after which a sender is taken for dead, and its object is free for another try."""
_STATUS = ((StoreFull, 507), (BadObject, 422), (WrongOffset, 409), (Unavailable, 503), (Invalid, 400))

Authenticate = Callable[[Request], Awaitable[object]]
Action = Callable[[Objects, Request], Awaitable[Response]]


class _Announced(msgspec.Struct):
    sha256: str
    md5: str
    size: int


def routes(objects: Objects, authenticate: Authenticate, prefix: str = PREFIX) -> list[Route]:
    """The routes; ``authenticate`` raises for a request that may not bring objects."""

    def endpoint(action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            await authenticate(request)
            return await _answer(action, objects, request)

        return answer

    return [
        Route(prefix, endpoint(_batch), methods=["POST"]),
        Route(prefix + "/{sha256}", endpoint(_progress), methods=["HEAD"]),
        Route(prefix + "/{sha256}", endpoint(_upload), methods=["PUT"]),
    ]


async def _answer(action: Action, objects: Objects, request: Request) -> Response:
    try:
        return await action(objects, request)
    except AnyrigError as error:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
        if status is None:
            raise
        return _problem(status, error)
    except TimeoutError:
        return Response(status_code=408, headers={"connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it


def _problem(status: int, error: AnyrigError) -> Response:
    headers = {}
    if isinstance(error, WrongOffset):
        headers["upload-offset"] = str(error.fields["offset"])
    if isinstance(error, Unavailable):
        headers["retry-after"] = "1"
    body = msgspec.json.encode({"status": status, "code": error.code, "detail": str(error)})
    return Response(body, status, headers, "application/problem+json")


async def _batch(objects: Objects, request: Request) -> Response:
    body = bytearray()
    async for chunk in _chunks(request):
        body += chunk
        if len(body) > MAX_BATCH:
            return _problem(413, Invalid(reason=f"a batch has at most {MAX_BATCH} bytes"))
    await objects.put_small(_unpacked(bytes(body)))
    return Response(status_code=204)


def _unpacked(body: bytes) -> list[tuple[str, str, bytes]]:
    """The objects of a batch, as ``Objects.put_small`` takes them."""
    start = 4 + int.from_bytes(body[:4], "big")
    try:
        announced = msgspec.json.decode(body[4:start], type=list[_Announced])
    except msgspec.DecodeError as error:
        raise Invalid(reason=f"the header of the batch cannot be read: {error}") from error
    ends = list(accumulate((each.size for each in announced), initial=start))
    if ends[-1] != len(body) or any(each.size < 0 for each in announced):
        raise Invalid(reason="the sizes in the header of the batch do not add up to its length")
    spans = pairwise(ends)
    return [(each.sha256, each.md5, body[a:b]) for each, (a, b) in zip(announced, spans, strict=True)]


async def _progress(objects: Objects, request: Request) -> Response:
    offset = await objects.offset(request.path_params["sha256"])
    if offset is None:
        return Response()
    return Response(status_code=404, headers={"upload-offset": str(offset)})


async def _upload(objects: Objects, request: Request) -> Response:
    sha256 = request.path_params["sha256"]
    md5 = _md5(request.headers.get("content-md5", ""))
    offset, size = offered(request.headers.get("content-range"), request.headers.get("content-length"))
    if await objects.offset(sha256) is None:
        return Response(status_code=204)
    await objects.put_stream(sha256, md5, size, offset, _chunks(request))
    return Response(status_code=201)


def _md5(header: str) -> str:
    """Content-MD5 in hex."""
    try:
        digest = bytes.fromhex(header) if len(header) == 32 else base64.b64decode(header, validate=True)  # noqa: PLR2004
    except (ValueError, binascii.Error):
        digest = b""
    if len(digest) != 16:  # noqa: PLR2004
        raise Invalid(reason="Content-MD5 is not an MD5 in base64 or hex")
    return digest.hex()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TimeoutError when nothing comes, ClientDisconnect when it breaks off."""
    stream = aiter(request.stream())
    while True:
        async with asyncio.timeout(_SILENCE):
            chunk = await anext(stream, b"")
        if not chunk:
            return
        yield chunk
