"""How a request of this dialect is taken in, and how it is refused."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from anyrig.core.errors import AnyrigError
from anyrig.engine import builds
from anyrig.server.dialects.sloth import wire
from anyrig.server.dialects.sloth.actions import ACTIONS, Action
from anyrig.server.dialects.sloth.asked import Asked, asked, refuse_strangers
from anyrig.server.dialects.sloth.login import who_asks
from anyrig.server.web import lab_of

HOME = "/app/"


class Api:
    """``/``: an action of the API, or the way to the pages for people."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await answered(Request(scope, receive))
        except AnyrigError as error:
            response = refusal(error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


async def answered(request: Request) -> Response:
    """Raises AnyrigError."""
    if request.method in {"GET", "HEAD"} and "action" not in request.query_params:
        return RedirectResponse(HOME)
    who = await who_asks(request)
    wanted = await asked(request)
    if wanted.action is None:
        return text_response("Nothing matches the given URI: there is no action", 404)
    action = ACTIONS.get(wanted.action)
    if action is None:
        raise wire.Unknown(name=wanted.action)
    request.app.state.limits.admit(who.token, action.traffic)
    if not action.reads:
        refuse_strangers(request)
        if wanted.is_safe and not await _may_be_got(request, wanted, action):
            sentence = f"The action {wanted.action} changes something: send it by POST"
            return text_response(sentence, 405, {"allow": "POST"})
    return await action.answer(request, who, wanted)


async def _may_be_got(request: Request, wanted: Asked, action: Action) -> bool:
    """Builds may allow that a link triggers them."""
    if action is not ACTIONS["trigger"]:
        return False
    build = await builds.at(lab_of(request), wanted.needed("listen_point"))
    return build is None or build.config.trigger_by_get


def refusal(error: AnyrigError) -> Response:
    """One sentence."""
    return text_response(wire.sentence_of(error), wire.status_of(error), wire.headers_of(error))


def text_response(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, headers, "text/plain")
