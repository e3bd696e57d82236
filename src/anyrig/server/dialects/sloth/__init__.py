"""The Sloth CI dialect: its API, as ``sci`` and ``curl`` speak it, and webhooks of git hosts.

What it calls an app is our test of kind build, what it calls a build is our job.
"""

import re

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute, Route

from anyrig.core.builds import RESERVED
from anyrig.server.dialects.sloth.endpoints import Api
from anyrig.server.dialects.sloth.webhooks import Webhooks

NAME = "sloth"


_OURS = "|".join(re.escape(word) for word in sorted(RESERVED - {"robots.txt"}))


class _ListenPoint(Convertor[str]):
    """A path that none of our own begins like; the file for robots is shown here."""

    regex = rf"(?!(?i:{_OURS})(?:/|$)).+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def routes() -> list[BaseRoute]:
    """See ``server.dialects.Dialect``."""
    register_url_convertor("listen_point", _ListenPoint())
    return [Route("/", Api()), Route("/{listen_point:listen_point}", Webhooks())]
