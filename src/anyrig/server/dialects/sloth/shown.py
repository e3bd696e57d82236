"""What the web is shown without asking who it is: badges, and where robots are not to go."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from anyrig.core.errors import NotFound
from anyrig.core.extensions.shields_io import Badge
from anyrig.engine import build_logs
from anyrig.engine.known_builds import Build
from anyrig.server.builds_around import BuildsAround
from anyrig.server.dialects.sloth.badge import asked, svg
from anyrig.server.web import lab_of

_NOBODY = "User-agent: *\nDisallow: /\n"
_LONGEST = 512 * 1024


async def robots(request: Request) -> Response | None:
    """The file, if this is its address."""
    around: BuildsAround = request.app.state.around.builds
    if around.robots is None or request.url.path != around.robots.path:
        return None
    text = _NOBODY if around.robots.file is None else await asyncio.to_thread(_read, Path(around.robots.file))
    return Response(text, media_type="text/plain")


def _read(file: Path) -> str:
    """Raises NotFound."""
    try:
        with file.open(encoding="utf-8", errors="replace") as open_file:
            return open_file.read(_LONGEST)
    except OSError:
        raise NotFound(what="file", name="robots.txt") from None


async def badge(request: Request, build: Build) -> Response | None:
    """The picture, if it is asked for and the build may be shown. Raises NotFound, BadExtension."""
    query = request.query_params
    if request.method not in {"GET", "HEAD"} or query.get("action") != "shield":
        return None
    wanted = _wanted(request, build)
    last = await build_logs.last_end(lab_of(request), build)
    if wanted is None or last is None:
        raise NotFound(what="badge", name=build.listen_point)
    time = datetime.fromtimestamp(last.at / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")
    image = svg(asked(wanted, query), build.listen_point, last.message, time, last.level.name)
    headers = {
        "cache-control": "no-cache, max-age=0",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(image, 200, headers, "image/svg+xml")


def _wanted(request: Request, build: Build) -> Badge | None:
    around: BuildsAround = request.app.state.around.builds
    own = [each.options for each in build.config.extensions if isinstance(each.options, Badge)]
    return own[-1] if own else around.badge
