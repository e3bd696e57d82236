"""What a request asks for: parameters of its address and of its body, together."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from anyrig.core.errors import Forbidden, Invalid
from anyrig.server.dialects.sloth.wire import Missing
from anyrig.server.web import body

_LONGEST = 1024 * 1024
_MOST_FIELDS = 1000
Params = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """An action and its parameters; one that was given twice is a list."""

    params: Params
    is_safe: bool
    """It was asked for by a method that changes nothing."""

    @property
    def action(self) -> str | None:
        value = self.params.get("action")
        return value if isinstance(value, str) and value else None

    def needed(self, name: str, shown: str | None = None) -> str:
        """Raises Missing: it is not there, or there twice."""
        value = self.params.get(name)
        if not isinstance(value, str) or not value:
            raise Missing(name=shown or f'"{name}"')
        return value

    def text(self, name: str, default: str = "") -> str:
        value = self.params.get(name, default)
        return value if isinstance(value, str) else value[-1]

    def others(self, *names: str) -> dict[str, str | list[str]]:
        return {name: value for name, value in self.params.items() if name not in names}


async def asked(request: Request) -> Asked:
    """Raises Invalid."""
    pairs = _pairs(request.scope["query_string"].decode("latin-1"))
    if request.method not in {"GET", "HEAD"}:
        pairs += await _form(request)
    params: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Invalid(reason="a parameter has a NUL character")
        known = params.get(name)
        params[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return Asked(params, request.method in {"GET", "HEAD"})


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Invalid(reason=f"there are more than {_MOST_FIELDS} parameters") from None


async def _form(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request)
    data = await body(request, _LONGEST)
    if kind in {"", "application/x-www-form-urlencoded"}:
        return _pairs(data.decode("utf-8", "replace"))
    return []


async def _multipart(request: Request) -> list[tuple[str, str]]:
    data = await body(request, _LONGEST)

    async def once() -> AsyncGenerator[bytes, None]:
        yield data

    parser = MultiPartParser(request.headers, once(), max_files=10, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Invalid(reason=f"the form cannot be read ({error})") from None
    try:
        return [(name, await _text(value)) for name, value in form.multi_items()]
    finally:
        await form.close()


async def _text(value: str | UploadFile) -> str:
    return value if isinstance(value, str) else (await value.read()).decode("utf-8", "replace")


def refuse_strangers(request: Request) -> None:
    """A page of another site must not use what a browser remembers of us.

    Raises:
        Forbidden: A browser says that the request comes from one.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = origin is not None and _host(origin) != request.headers.get("host", "")
    if site in {"cross-site", "same-site"} or (foreign and site not in {"same-origin", "none"}):
        raise Forbidden(user="A page of another site", role="none", action="do this")


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
