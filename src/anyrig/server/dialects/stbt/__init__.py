"""The stb-tester dialect: its REST API v2, as ``stbt_rig``, ``requests`` and ``curl`` speak it."""

from starlette.routing import BaseRoute

from anyrig.server.dialects.stbt import (
    routes_jobs,
    routes_nodes,
    routes_packs,
    routes_reservations,
    routes_results,
)

NAME = "stbt"


def routes() -> list[BaseRoute]:
    """See ``server.dialects.Dialect``."""
    return [
        *routes_jobs.routes(),
        *routes_nodes.routes(),
        *routes_packs.routes(),
        *routes_reservations.routes(),
        *routes_results.routes(),
    ]
