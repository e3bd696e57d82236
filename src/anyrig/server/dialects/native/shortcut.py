"""The list of results in the ordinary way, without FastAPI, which takes longer than the rest of a request.

Lists of results are what clients and people ask for most. What is not ordinary about a question, such as a
parameter that makes no sense, is left to the API itself: it knows how to refuse it.
"""

import re
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from anyrig.core.errors import AnyrigError
from anyrig.server.dialects.native import problems, results
from anyrig.server.dialects.native.asking import admitted
from anyrig.server.limits import Traffic
from anyrig.server.web import lab_of

_PATH = "/results"
_TEXTS = ("filter", "sort", "tz", "cursor")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
"""Nearly all that the API takes."""


class Shortcut:
    """In front of the API: it gets every request that has no way around it."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope)
        if asked is None:
            await self._api(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await _listed(request, asked)
        except AnyrigError as error:
            response = await problems.refused(request, error)
        except Exception as error:
            await (await problems.failed(request, error))(scope, receive, send)
            raise  # so that it is logged
        await response(scope, receive, send)


async def _listed(request: Request, asked: dict[str, Any]) -> Response:
    who = await admitted(request, Traffic.ORDINARY)
    return await results.list_results(lab_of(request), who, **asked)


def _asked(scope: Scope) -> dict[str, Any] | None:
    """The operation's parameters; None: this is not for us."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != scope["root_path"] + _PATH:
        return None
    given = QueryParams(scope["query_string"])
    asked: dict[str, Any] = {name: given[name] for name in _TEXTS if name in given}
    if "limit" not in given:
        return asked
    return asked | {"limit": int(given["limit"])} if _LIMIT.fullmatch(given["limit"]) else None
