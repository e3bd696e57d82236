"""How a page is asked for: who looks, and what is refused."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anyrig.core.errors import (
    AnyrigError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from anyrig.core.users import Principal
from anyrig.server.portal.drawing import html
from anyrig.server.portal.session import is_from_here, who_looks
from anyrig.server.web import text_response

_STATUS: tuple[tuple[type[AnyrigError], int], ...] = (
    (Forbidden, 403),
    (NotFound, 404),
    (Gone, 410),
    (Conflict, 409),
    (Invalid, 400),
    (TooManyRequests, 429),
    (AnyrigError, 503),
)

Endpoint = Callable[[Request], Awaitable[Response]]
Drawn = Callable[[Request, Principal], Awaitable[Response]]


def public(draw: Endpoint) -> Endpoint:
    """A page for everybody."""

    async def endpoint(request: Request) -> Response:
        try:
            return await draw(request)
        except AnyrigError as error:
            return _refusal(request, None, error)

    return endpoint


def page(draw: Drawn) -> Endpoint:
    """A page for those who have logged in; others are asked to, and come back to it."""

    async def endpoint(request: Request) -> Response:
        try:
            who = await who_looks(request)
        except Unauthenticated:
            return _to_login(request)
        try:
            return await draw(request, who)
        except AnyrigError as error:
            return _refusal(request, who, error)

    return endpoint


def action(act: Drawn) -> Endpoint:
    """A button: it must have been pressed on a page of ours."""

    async def checked(request: Request, who: Principal) -> Response:
        if not is_from_here(request):
            raise Forbidden(user=who.user, role=who.role.label, action="do this from another site's page")
        return await act(request, who)

    return page(checked)


def _to_login(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/app/login?{urlencode({'next': request.url.path + query})}", 303)


def sentence(error: AnyrigError) -> Response:
    """A refusal for one of our scripts."""
    return text_response(str(error), _status(error))


def _refusal(request: Request, who: Principal | None, error: AnyrigError) -> Response:
    return html(request, "refused.html", who, _status(error), reason=str(error))


def _status(error: AnyrigError) -> int:
    return next(status for kind, status in _STATUS if isinstance(error, kind))
