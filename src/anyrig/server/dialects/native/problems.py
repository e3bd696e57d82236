"""Refusals as problem details (RFC 9457): one table from errors to statuses."""

import re
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.errors import (
    AnyrigError,
    BadField,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KeyReused,
    NodesNotFree,
    NotFound,
    StoreFull,
    TooManyRequests,
    Unauthenticated,
)
from anyrig.server.dialects.native import schema
from anyrig.server.web import json_response

MEDIA_TYPE = "application/problem+json"
STATUS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Gone, 410),
    (KeyReused, 422),
    (Conflict, 409),
    (Invalid, 400),
    (TooManyRequests, 429),
    (StoreFull, 507),
    (AnyrigError, 503),
)
"""The first that fits counts."""
_CODES = {404: "not_found", 405: "method_not_allowed", 500: "internal"}


def status_of(error: AnyrigError) -> int:
    return next(status for kind, status in STATUS if isinstance(error, kind))


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """``type`` is made of ``code``: there is no page behind it. ``more`` are fields of ``schema.Problem``."""
    title = code.replace("_", " ").capitalize()
    told = schema.Problem(
        type=f"urn:anyrig:problem:{code}", title=title, status=status, detail=detail, code=code, **more
    )
    response = json_response(told, status)
    response.headers["content-type"] = MEDIA_TYPE
    return response


async def refused(_request: Request, error: Exception) -> Response:
    """An error of ours."""
    if not isinstance(error, AnyrigError):
        raise error
    more = {"nodes": error.fields["nodes"]} if isinstance(error, NodesNotFree) else {}
    response = problem(status_of(error), error.code, str(error), **more)
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = 'Bearer realm="anyrig"'
    if isinstance(error, TooManyRequests):
        response.headers["retry-after"] = f"{error.fields.get('seconds', 1):.0f}"
    return response


async def misrouted(_request: Request, error: Exception) -> Response:
    """No such path or method."""
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "invalid")
    response = problem(error.status_code, code, f"{error.detail}.")
    response.headers.update(error.headers or {})
    return response


async def misspelt(request: Request, error: Exception) -> Response:
    """A parameter that makes no sense."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    reason = re.sub(r"^Input", "it", first["msg"])
    return await refused(request, BadField(field=str(first["loc"][-1]), reason=reason))


async def failed(_request: Request, _error: Exception) -> Response:
    """A defect of ours; the log has it."""
    return problem(500, "internal", "Something went wrong in the server; its log says what.")
