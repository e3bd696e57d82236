"""The actions of the API: each answers one of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anyrig.core.build_records import Level
from anyrig.core.build_spec import Source
from anyrig.core.errors import Unavailable
from anyrig.core.records import Job
from anyrig.core.users import Principal, Role
from anyrig.engine import build_logs, build_runs, builds
from anyrig.engine.build_logs import Pages
from anyrig.engine.known_builds import Build
from anyrig.engine.lab import Lab
from anyrig.server.builds_around import BuildsAround, Ending
from anyrig.server.dialects.sloth import wire
from anyrig.server.dialects.sloth.asked import Asked
from anyrig.server.limits import Traffic
from anyrig.server.web import lab_of

_OWN = ("action", "listen_point", "wait")
"""What is no param of a build."""
_PATIENCE = 3600.0
"""Seconds until somebody who waits looks again by himself."""
Answer = Callable[[Request, Principal, Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Action:
    """``reads``: it changes nothing, so it may be asked for by GET."""

    answer: Answer
    reads: bool = False
    traffic: Traffic = Traffic.ORDINARY


async def create(request: Request, who: Principal, asked: Asked) -> Response:
    text = asked.needed("config_string", "config_string")
    around: BuildsAround = request.app.state.around.builds
    build = await builds.create(lab_of(request), who, text, around.check)
    return _json(build.listen_point, 201)


async def bind(request: Request, who: Principal, asked: Asked) -> Response:
    point = asked.needed("listen_point")
    await builds.bind(lab_of(request), who, point, asked.needed("config_file", "config_file"))
    return _json(None)


async def remove(request: Request, who: Principal, asked: Asked) -> Response:
    await builds.remove(lab_of(request), who, asked.needed("listen_point"))
    return Response(status_code=204, media_type="application/json")


async def trigger(request: Request, who: Principal, asked: Asked) -> Response:
    lab = lab_of(request)
    wanted = build_runs.Wanted(Source.TRIGGER, asked.others(*_OWN))
    build, job = await build_runs.trigger_at(lab, who, asked.needed("listen_point"), wanted)
    if not asked.text("wait"):
        return _json(None, 202)
    end = await _end(lab, who, job)
    target = _target(request, asked, build, end)
    if target is not None:
        return RedirectResponse(target, 303)
    return _json(end.message if end else wire.NEVER)


async def _end(lab: Lab, who: Principal, job: Job) -> build_runs.End | None:
    while not await build_runs.wait_for_end(lab, who, job, _PATIENCE):
        if lab.waiters.closed:
            raise Unavailable(what="The server", reason=f"it is about to end; job {job.number} goes on")
    return await build_runs.end_of(lab, job)


def _target(request: Request, asked: Asked, build: Build, end: build_runs.End | None) -> str | None:
    """Where to go now.

    Whoever has sent a form has sent the address, too. A link, which anybody can give to somebody who is known
    here, leads only to hosts that are known as well.
    """
    good = end is not None and end.level == Level.INFO
    url = asked.text("success_url" if good else "fail_url")
    host = _host(url)
    if host is None:
        return None
    around: BuildsAround = request.app.state.around.builds
    known = around.redirect_hosts | set(build.config.redirect_hosts)
    return url if not asked.is_safe or host in known else None


def _host(url: str) -> str | None:
    """Of an address that a browser may be sent to."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.hostname if whole and url.isascii() and url.isprintable() and " " not in url else None


async def info(request: Request, who: Principal, asked: Asked) -> Response:
    lab = lab_of(request)
    build = await builds.find(lab, who, asked.needed("listen_point"))
    return _json(wire.info_json(build.kept.config_file, await build_logs.last_end(lab, build)))


async def history(request: Request, who: Principal, asked: Asked) -> Response:
    return await _records(request, who, asked, runs=True)


async def logs(request: Request, who: Principal, asked: Asked) -> Response:
    return await _records(request, who, asked, runs=False)


async def _records(request: Request, who: Principal, asked: Asked, *, runs: bool) -> Response:
    point = asked.needed("listen_point")
    first = wire.whole(asked.text("from_page", "1"))
    pages = Pages(
        first=first,
        last=wire.whole(asked.text("to_page") or str(first)),
        size=wire.whole(asked.text("per_page", "10")),
        level=wire.level_of(asked.text("level", "20")),
    )
    found = await build_logs.records_at(lab_of(request), who, point, pages, runs=runs)
    return _json(wire.records_json(point, found))


async def list_points(request: Request, who: Principal, _asked: Asked) -> Response:
    return _json([kept.listen_point for kept in await builds.every(lab_of(request), who)])


async def version(_request: Request, _who: Principal, _asked: Asked) -> Response:
    return _json(wire.VERSION)


def _ending(ending: Ending) -> Answer:
    async def answer(request: Request, who: Principal, _asked: Asked) -> Response:
        who.require(Role.ADMIN, f"{ending} the server")
        around: BuildsAround = request.app.state.around.builds
        around.end(ending)
        return _json(None, 202)

    return answer


def _json(value: object, status: int = 200) -> Response:
    return Response(wire.json_bytes(value), status, media_type="application/json")


ACTIONS: dict[str, Action] = {
    "create": Action(create),
    "bind": Action(bind),
    "trigger": Action(trigger, traffic=Traffic.WAIT),
    "info": Action(info, reads=True),
    "history": Action(history, reads=True),
    "logs": Action(logs, reads=True),
    "list": Action(list_points, reads=True),
    "remove": Action(remove),
    "version": Action(version, reads=True),
    "restart": Action(_ending(Ending.RESTART)),
    "stop": Action(_ending(Ending.STOP)),
}
