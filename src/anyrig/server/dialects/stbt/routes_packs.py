"""Test packs: their tests, news of a push, and who is asking."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyrig.core.users import Principal
from anyrig.engine import pack_tests, public_keys
from anyrig.server.dialects.stbt.endpoints import route
from anyrig.server.web import json_response, lab_of


def routes() -> list[Route]:
    return [
        route("/api/v2/user", _user),
        route("/api/v2/secrets.pub.pem", _public_key),
        route("/api/v2/test_pack/{revision:path}/test_case_names", _test_case_names),
        route("/github/post-receive", _post_receive, "POST"),
    ]


async def _user(_request: Request, who: Principal) -> Response:
    return json_response({"login": who.user})


async def _public_key(request: Request, who: Principal) -> Response:
    """What ``stbt_rig encrypt-secret`` encrypts with; ``?project=`` is ours, as below."""
    project = request.query_params.get("project")
    text = await public_keys.public_key(lab_of(request), who, project)
    return Response(text, media_type="application/x-pem-file; charset=utf-8")


async def _test_case_names(request: Request, who: Principal) -> Response:
    """``?project=`` is ours: the document knows one test pack only."""
    project = request.query_params.get("project")
    names = await pack_tests.list_tests(lab_of(request), who, project, request.path_params["revision"])
    return json_response(names)


async def _post_receive(request: Request, who: Principal) -> Response:
    """A push has happened somewhere; what the body says of it does not matter."""
    await pack_tests.fetch_packs(lab_of(request), who)
    return json_response({})
