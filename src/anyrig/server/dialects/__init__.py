"""Dialects: each speaks one product's HTTP API and translates it to our words and back.

A dialect is a module or package with the names of ``Dialect``; ``server.app`` lists them.
"""

from typing import Protocol

from starlette.routing import BaseRoute


class Dialect(Protocol):
    """One module or package a dialect."""

    NAME: str

    def routes(self) -> list[BaseRoute]:
        """Its routes; no two dialects share a method and a path.

        They find what they need in ``app.state``: ``lab`` (engine.lab.Lab), ``limits``
        (server.limits.RateLimits), and ``hold``, for how many seconds a long poll is held.
        """
