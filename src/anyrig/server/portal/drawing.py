"""Draws pages from our templates, and says what a browser may do with them."""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from anyrig import __version__
from anyrig.core.users import Principal
from anyrig.core.wording import duration_text, size_text
from anyrig.server.markdown import html_of

if TYPE_CHECKING:
    from jinja2 import Environment

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def html(
    request: Request, template: str, who: Principal | None = None, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page drawn from one of our templates, whose texts cannot become markup."""
    text = drawn(template, who=who, path=request.url.path, **values)
    return HTMLResponse(text, status, _HEADERS)


def drawn(template: str, **values: Any) -> str:
    return templates().get_template(template).render(values)


@cache
def templates() -> "Environment":
    """All of them. The first call takes a while."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - no start waits for it

    environment = Environment(
        loader=PackageLoader("anyrig.server.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": _time,
        "duration": duration_text,
        "size": size_text,
        "path": quote,
        "with_filter": _with_filter,
        "first_line": _first_line,
        "markdown": _markdown,
    }
    environment.globals |= {"version": __version__}
    return environment


def _time(microseconds: int | None) -> str:
    """A ``time`` element in UTC; the script turns it into the reader's zone."""
    if microseconds is None:
        return ""
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    shown, exact = moment.strftime("%Y-%m-%d %H:%M:%S"), moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(exact, shown)


def _with_filter(text: str) -> str:
    """The list of the results that a filter lets through."""
    return f"/app/results?{urlencode({'filter': text})}"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _markdown(text: str) -> str:
    return Markup(html_of(text))  # noqa: S704 - there is nothing harmful in it
