"""``/git/<project>.git``: hosts the test packs by git's smart HTTP protocol."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from anyrig.core.errors import (
    AnyrigError,
    Forbidden,
    Invalid,
    NotFound,
    PackUnavailable,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from anyrig.packs.backend import SERVICES, Answering, Call, answering
from anyrig.packs.hosting import Packs

Authenticate = Callable[[Request, str, bool], Awaitable[str]]
"""Gives the user's name for a request, the project and whether it wants to write; raises core errors."""

DEADLINE = 3600.0
"""Seconds that a clone or push may take."""
AT_ONCE = 32
"""Clones and pushes that are served at the same time; others wait."""
_WRITING = SERVICES[1]
# Git asks its user for a password only after a 401 with this header.
_BASIC = {"WWW-Authenticate": 'Basic realm="anyrig"'}
_STATUS: Sequence[tuple[type[AnyrigError], int]] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooManyRequests, 429),
    (Invalid, 400),
    (Unavailable, 503),
    (AnyrigError, 500),
)


def routes(packs: Packs, authenticate: Authenticate) -> list[Route]:
    """The routes below ``/git/``: the smart protocol's three requests, and no way to any other path."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def advertise(request: Request) -> Response:
        return await answer(request, "info/refs", request.query_params.get("service", ""))

    async def upload_pack(request: Request) -> Response:
        return await answer(request, SERVICES[0], SERVICES[0])

    async def receive_pack(request: Request) -> Response:
        return await answer(request, _WRITING, _WRITING)

    async def answer(request: Request, action: str, service: str) -> Response:
        try:
            call = await _checked(packs, authenticate, request, action, service)
        except AnyrigError as error:
            return _refusal(error)
        return _Conversation(packs, call, slots)

    base = "/git/{project}.git"
    return [
        Route(f"{base}/info/refs", advertise, methods=["GET"]),
        Route(f"{base}/{SERVICES[0]}", upload_pack, methods=["POST"]),
        Route(f"{base}/{_WRITING}", receive_pack, methods=["POST"]),
    ]


async def _checked(
    packs: Packs, authenticate: Authenticate, request: Request, action: str, service: str
) -> Call:
    project: str = request.path_params["project"]
    user = await authenticate(request, project, service == _WRITING)
    if service not in SERVICES:
        raise Invalid(reason="only git's smart HTTP protocol is served here; git 1.6.6 and later speak it")
    client = request.client.host if request.client else ""
    return Call(packs.repository(project), action, service, user, client, request.headers)


def _refusal(error: AnyrigError) -> Response:
    """The sentence is plain text, which git shows to its user after ``remote:``."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return PlainTextResponse(
        f"{error}\n", status, headers=_BASIC if isinstance(error, Unauthenticated) else None
    )


class _Gone(Exception):
    """The client has gone away."""


class _Conversation(Response):
    """Hands the request's body to git and git's answer to the client, both as they come."""

    def __init__(self, packs: Packs, call: Call, slots: asyncio.Semaphore) -> None:
        super().__init__()
        self._packs = packs
        self._call = call
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(DEADLINE), self._slots, answering(self._call) as git:
                await self._converse(git, scope["path_params"]["project"], receive, send)
        except* (_Gone, TimeoutError):
            pass  # there is nobody to tell, or no way to: the answer has begun

    async def _converse(self, git: Answering, project: str, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(receive, git))
            await self._speak(git, project, send)
            listening.cancel()

    async def _speak(self, git: Answering, project: str, send: Send) -> None:
        status, headers = await git.head()
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        async for block in git.blocks():
            await send({"type": "http.response.body", "body": block, "more_body": True})
        if self._call.action == _WRITING:
            # Before the client learns of its success: what it asks next may be for HEAD.
            with suppress(PackUnavailable):
                await self._packs.pushed(project)
        await send({"type": "http.response.body", "body": b""})


async def _listen(receive: Receive, git: Answering) -> None:
    """Pass the body on, then wait for the client to hang up."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        # Git may end early, with an answer that says why: the rest of the body is then of no use.
        with suppress(ConnectionError):
            if not git.stdin.is_closing():
                git.stdin.write(message.get("body", b""))
                await git.stdin.drain()
        if not message.get("more_body", False):
            git.stdin.close()
