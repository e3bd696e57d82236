"""Builds: the list, one of them with what was said of it, and the button that runs it."""

from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anyrig.core.build_records import Level
from anyrig.core.builds import BuildConfig
from anyrig.core.errors import BadField
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.extensions.ssh_exec import Ssh
from anyrig.core.filters import TextIs, to_text
from anyrig.core.masking import STARS
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine import build_views, requests
from anyrig.server import cursors
from anyrig.server.portal.drawing import html
from anyrig.server.web import base_url, body, lab_of

_JOBS_SHOWN = 8
_RECORDS_SHOWN = 50
_LONGEST_FORM = 256 * 1024
_LEVELS = {"debug": "Everything", "info": "Info", "warning": "Warnings", "error": "Errors"}


async def show_list(request: Request, who: Principal) -> Response:
    """All by name, and how they stand."""
    found = await build_views.list_builds(lab_of(request), who)
    return html(request, "builds.html", who, builds=found, may_run=who.role >= Role.OPERATOR)


async def show_one(request: Request, who: Principal) -> Response:
    """How it stands, its last jobs and its log; what it does is for those who may run it."""
    lab, query = lab_of(request), request.query_params
    found = await build_views.find_build(lab, who, request.path_params["name"])
    level = query.get("level") if query.get("level") in _LEVELS else "info"
    before = cursors.records_before(query["cursor"]) if query.get("cursor") else None
    records = await build_views.records_page(
        lab, found.build, _RECORDS_SHOWN, before, level=Level[str(level).upper()]
    )
    point = found.build.listen_point
    return html(
        request,
        "build.html",
        who,
        build=found,
        jobs=[] if before else await build_views.jobs_of(lab, found.build, _JOBS_SHOWN),
        records=records.said,
        next=cursors.of_records(records.after),
        level=level,
        levels=_LEVELS,
        is_newest=before is None,
        results_filter=to_text(TextIs("testcase", point)),
        url=f"{base_url(request)}/{quote(point)}",
        place=_place(found.build.config),
        params=_shown_params(found.build.config),
        may_run=who.role >= Role.OPERATOR,
    )


def _place(config: BuildConfig) -> str:
    """Where its actions run."""
    for each in reversed(config.extensions):
        match each.options:
            case Ssh(hosts=hosts):
                return f"by SSH on {', '.join(host.name for host in hosts)}"
            case Docker(image=image):
                return f"in containers of {image}"
    node, labels = config.nodes
    return node or (f"a node with {', '.join(labels)}" if labels else "any node")


def _shown_params(config: BuildConfig) -> list[str]:
    """As the lines that a run could be given instead."""
    lines = []
    for name, value in config.params.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name}={STARS if config.is_secret(name) else each}" for each in values]
    return lines


async def run_one(request: Request, who: Principal) -> Response:
    """Ask for a run, and show its job."""
    form = parse_qs((await body(request, _LONGEST_FORM)).decode(errors="replace"))
    wanted = requests.Request(
        tests=(request.path_params["name"],), kind=Kind.BUILD, params=_params(form.get("params", [""])[0])
    )
    job = await requests.run(lab_of(request), who, wanted)
    return RedirectResponse(f"/app/job/{job.number}", 303)


def _params(text: str) -> dict[str, str | list[str]]:
    """Lines of ``name=value``; a name that comes twice is a list. Raises BadField."""
    params: dict[str, list[str]] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        name, equals, value = line.partition("=")
        if not line.strip():
            continue
        if not equals or not name.strip() or "\0" in line:
            raise BadField(field="params", reason=f"'{line[:60]}' is not a line such as branch=main")
        params.setdefault(name.strip(), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in params.items()}
