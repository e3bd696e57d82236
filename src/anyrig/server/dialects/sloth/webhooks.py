"""``/<listen point>``: webhooks of git hosts, and what the web is shown of a build."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anyrig.core.build_records import Level
from anyrig.core.build_spec import Source
from anyrig.core.builds import BadBuild
from anyrig.core.errors import AnyrigError, Invalid, NotFound
from anyrig.core.users import Principal, Role
from anyrig.engine import build_runs, builds
from anyrig.engine.known_builds import Build
from anyrig.server.builds_around import BuildsAround
from anyrig.server.dialects.sloth import shown
from anyrig.server.dialects.sloth.endpoints import refusal, text_response
from anyrig.server.dialects.sloth.hooks import PROVIDERS
from anyrig.server.dialects.sloth.hooks.base import Hook, Judgement
from anyrig.server.dialects.sloth.login import address
from anyrig.server.limits import Traffic
from anyrig.server.web import body, lab_of

_LONGEST = 10 * 1024 * 1024
_JSON = frozenset({"application/json", "text/javascript"})
_FORM = "application/x-www-form-urlencoded"
Said = list[tuple[Level, str]]


class Webhooks:
    """Anybody may ask; whether it is somebody who may is up to the provider that the build names."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            request.app.state.limits.admit(f"webhooks of {address(request)}", Traffic.WEBHOOK)
            response = await _answered(request)
        except AnyrigError as error:
            response = refusal(error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


async def _answered(request: Request) -> Response:
    point = str(request.path_params["listen_point"])
    file = await shown.robots(request)
    if file is not None:
        return file
    build = await builds.at(lab_of(request), point)
    if build is None:
        raise NotFound(what="build", name=point)
    badge = await shown.badge(request, build)
    return await _heard(request, build) if badge is None else badge


async def _heard(request: Request, build: Build) -> Response:
    agent = request.headers.get("user-agent", "")[:200]
    said: Said = [(Level.DEBUG, f"Payload received from {address(request)} - {agent}")]
    try:
        return await _judged(request, build, said)
    except AnyrigError as error:
        said.append((Level.ERROR, str(error)))
        raise
    finally:
        await builds.note(lab_of(request), build, said)


async def _judged(request: Request, build: Build, said: Said) -> Response:
    try:
        judgement = await _judgement(request, build)
    except _Unread as error:
        return _refused(error.status, error.sentence, said)
    except BadBuild as error:
        return _refused(500, str(error), said)
    except Invalid as error:
        return _refused(413, str(error), said)
    if judgement.status != 200:  # noqa: PLR2004 - HTTP's own number
        return _refused(judgement.status, judgement.message, said)
    return await _built(request, build, judgement, said)


async def _judgement(request: Request, build: Build) -> Judgement:
    """Raises _Unread, BadBuild, Invalid."""
    provider = build.config.provider
    if provider is None:
        raise _Unread(400, "No provider set, declining all payloads")
    module = PROVIDERS.get(provider.name)
    if module is None:
        raise _Unread(500, f"No matching validator found: {provider.name}")
    config = module.read(provider.options)
    data = await body(request, _LONGEST)
    around: BuildsAround = request.app.state.around.builds
    hook = Hook(
        method=request.method,
        headers=dict(request.headers),
        body=data,
        payload=_payload(request, data) if request.method == "POST" else {},
        peer=address(request),
        trusted=around.networks.get(provider.name, module.DEFAULT_NETWORKS),
    )
    return module.judge(config, hook)


def _refused(status: int, sentence: str, said: Said) -> Response:
    said.append((Level.WARNING, sentence))
    return text_response(sentence, status)


async def _built(request: Request, build: Build, judgement: Judgement, said: Said) -> Response:
    """One run for each branch; what was run for this delivery before is not run again."""
    lab, provider = lab_of(request), build.config.provider
    who = Principal(f"{provider.name if provider else ''}-webhook", Role.OPERATOR, "")
    taken = 0
    for params in judgement.builds:
        deliveries = tuple(
            f"{each} {params.get('ref', params.get('branch', ''))}" for each in judgement.delivery
        )
        try:
            await build_runs.trigger(lab, who, build, build_runs.Wanted(Source.WEBHOOK, params, deliveries))
        except build_runs.Replayed:
            said.append((Level.WARNING, "This payload was received before: nothing is built"))
        else:
            taken += 1
    if taken:
        said.append((Level.INFO, "Valid payload received"))
    said.append((Level.DEBUG, judgement.message))
    return Response(
        b"" if taken else judgement.message, 200, media_type="text/html" if taken else "text/plain"
    )


class _Unread(Exception):
    """The body is not what a webhook sends."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def _payload(request: Request, data: bytes) -> Mapping[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not data and "content-length" not in request.headers:
        raise _Unread(411, "The request has no body")
    if kind == _FORM:
        return _form(data)
    if kind not in _JSON:
        raise _Unread(415, f"Expected an entity of content type {', '.join(sorted(_JSON))} or {_FORM}")
    return _object(data)


def _form(data: bytes) -> Mapping[str, Any]:
    """The JSON in the field ``payload``, as GitHub has it; without such a field, the form itself."""
    try:
        fields = parse_qs(data.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise _Unread(400, "Invalid form") from None
    if "payload" in fields:
        return _object(fields["payload"][-1].encode("utf-8", "surrogatepass"))
    return {name: values[-1] for name, values in fields.items()}


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _Unread(400, "Invalid JSON document") from None
    if not isinstance(value, dict):
        raise _Unread(400, "Invalid JSON document: it is not an object")
    return value
