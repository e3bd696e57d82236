"""The native API: everything, as JSON over HTTP, with an OpenAPI document."""

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from anyrig.server.late import Late

NAME = "native"
PREFIX = "/api/v3"


def routes() -> list[BaseRoute]:
    """See ``server.dialects.Dialect``."""
    return [Mount(PREFIX, app=Late(_application), name=NAME)]


def _application() -> ASGIApp:
    from anyrig.server.dialects.native import api, shortcut  # noqa: PLC0415 - FastAPI loads longer than all else

    return shortcut.Shortcut(api.build())
