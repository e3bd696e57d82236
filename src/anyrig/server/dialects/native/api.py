"""The application that the native API is, and its OpenAPI document."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from anyrig import __version__
from anyrig.core.errors import AnyrigError
from anyrig.server.dialects.native import (
    PREFIX,
    builds,
    jobs,
    lab,
    problems,
    reservations,
    results,
    schema,
    tokens,
)

_DESCRIPTION = """\
Everything that Anyrig can do. Every operation needs an access token: `Authorization: Bearer <id>.<secret>`.
What is refused is answered by problem details (RFC 9457). Times are UTC (RFC 3339)."""
_REFUSED = {
    "description": "Refused, and why.",
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class NativeApi(FastAPI):
    """A FastAPI application whose state is that of the one it is mounted in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "app" in scope:
            self.state = scope["app"].state
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1; made once, at the first request."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def build() -> NativeApi:
    """Its errors are all its own: none gets to the application around it."""
    api = NativeApi(
        title="Anyrig",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        responses={"4XX": _REFUSED, "5XX": _REFUSED},
        exception_handlers={
            AnyrigError: problems.refused,
            HTTPException: problems.misrouted,
            RequestValidationError: problems.misspelt,
            Exception: problems.failed,
        },
    )
    for part in (jobs, results, builds, lab, reservations, tokens):
        api.include_router(part.router)
    return api


def _document(api: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        servers=[{"url": PREFIX}],
    )
    _, schemas = msgspec.json.schema_components(schema.DOCUMENTED, ref_template="#/components/schemas/{name}")
    bearer = {"type": "http", "scheme": "bearer", "description": "A token, as `<id>.<secret>`."}
    document["components"] = {"schemas": schemas, "securitySchemes": {"token": bearer}}
    document["security"] = [{"token": []}]
    return document
