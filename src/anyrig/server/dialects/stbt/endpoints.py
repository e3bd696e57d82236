"""How a request of this dialect is taken in, and how it is refused."""

from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from anyrig.core.errors import AnyrigError
from anyrig.core.users import Principal
from anyrig.server.dialects.stbt import wire
from anyrig.server.limits import Traffic
from anyrig.server.web import who_asks

Action = Callable[[Request, Principal], Awaitable[Response]]
"""Answers a request of somebody who was let in; any AnyrigError becomes a refusal."""


class Endpoint:
    """An ASGI application of its own: thousands of clients wait in one, so there are few frames around it."""

    __slots__ = ("_action", "_traffic")

    def __init__(self, action: Action, traffic: Traffic) -> None:
        self._action = action
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            who = await who_asks(request)
            request.app.state.limits.admit(who.token, self._traffic)
            response = await self._action(request, who)
        except AnyrigError as error:
            response = refusal(error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


def route(path: str, action: Action, *methods: str, traffic: Traffic = Traffic.ORDINARY) -> Route:
    """A route for the methods; GET when none is named."""
    return Route(path, Endpoint(action, traffic), methods=methods or ("GET",))


def refusal(error: AnyrigError) -> Response:
    """One sentence."""
    return Response(
        wire.sentence_of(error), wire.status_of(error), wire.headers_of(error), media_type="text/plain"
    )
