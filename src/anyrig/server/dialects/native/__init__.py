"""The native API: everything, as JSON over HTTP, with an OpenAPI document."""

from starlette.routing import BaseRoute, Mount

from anyrig.server.dialects.native import api

NAME = "native"


def routes() -> list[BaseRoute]:
    """See ``server.dialects.Dialect``."""
    return [Mount(api.PREFIX, app=api.build(), name=NAME)]
