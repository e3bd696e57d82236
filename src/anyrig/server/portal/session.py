"""Who looks at the portal: a token in a cookie that scripts cannot read and other sites cannot use."""

from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anyrig.core.errors import Forbidden, Unauthenticated
from anyrig.core.users import Principal
from anyrig.server import auth
from anyrig.server.portal.drawing import html
from anyrig.server.web import body, lab_of

COOKIE = "anyrig_session"
_FOURTEEN_DAYS = 14 * 86_400
_LONGEST_FORM = 16_384
_HOME = "/app/results"


async def who_looks(request: Request) -> Principal:
    """Whoever the cookie, or else an Authorization header, says. Raises Unauthenticated."""
    lab = lab_of(request)
    printed = request.cookies.get(COOKIE)
    if printed is None:
        return await auth.principal(request, lab.access, lab.now())
    return await lab.access.principal(printed, lab.now())


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of ours: browsers say where from in headers no script can set."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    public: str = request.app.state.around.public_url or ""
    origin = urlsplit(request.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc in {request.headers.get("host"), urlsplit(public).netloc}


async def shell(request: Request) -> Response:
    """``/app/``: what is behind the ``#`` of a link only the browser knows, so a script goes on from here."""
    return html(request, "shell.html")


async def ask(request: Request) -> Response:
    """The page that asks for a token."""
    return html(request, "login.html", next=_next(request.query_params.get("next")), refused=False)


async def log_in(request: Request) -> Response:
    """A good token becomes the cookie, and the browser goes to where it wanted."""
    if not is_from_here(request):
        raise Forbidden(user="somebody", role="unknown", action="log in from another site's page")
    form = parse_qs((await body(request, _LONGEST_FORM)).decode(errors="replace"))
    token, target = form.get("token", [""])[0].strip(), _next(form.get("next", [""])[0])
    lab = lab_of(request)
    try:
        await lab.access.principal(token, lab.now())
    except Unauthenticated:
        return html(request, "login.html", status=403, next=target, refused=True)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=_FOURTEEN_DAYS,
        path="/app",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


async def log_out(request: Request) -> Response:
    """The browser forgets the token."""
    response = RedirectResponse("/app/login", 303)
    if is_from_here(request):
        response.delete_cookie(COOKIE, path="/app", httponly=True, samesite="strict")
    return response


def _is_secure(request: Request) -> bool:
    public: str = request.app.state.around.public_url or ""
    return request.url.scheme == "https" or public.startswith("https:")


def _next(target: str | None) -> str:
    """A page of ours; anything else is home, or a login could lead anywhere."""
    good = target is not None and target.startswith("/app/") and "\\" not in target and target.isprintable()
    return target if good and target is not None else _HOME
