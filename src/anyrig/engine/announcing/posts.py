"""Posts records to an address, signed if there is a secret for it."""

import asyncio
import hashlib
import hmac
import json
from contextlib import suppress

import httpx

from anyrig.core.extensions.webhooks import Posts
from anyrig.engine.announcing.base import Announcement, Around, NotTold

_SECONDS = 10.0
"""For each of: to connect, to send, and to wait for what comes next."""
_LONGEST = 64 * 1024
"""Bytes of an answer; nobody reads what it says."""
_FOR_NOW = {408, 425, 429}
"""Refusals that are not for ever (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4)."""


async def tell(options: Posts, announcement: Announcement, around: Around) -> None:
    """Any answer from 200 to 299 will do. Redirects are not followed: it goes where it is meant to go."""
    data = body(announcement, twice=options.encoding == "twice")
    try:
        url = httpx.URL(options.url)
        status = await _post(url, data, _headers(options, announcement, data), around)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise NotTold("the url is no address of HTTP", for_ever=True) from None
    except httpx.TimeoutException:
        raise NotTold(f"{url.host} did not answer in time", for_ever=False) from None
    except httpx.HTTPError as error:
        raise NotTold(f"{url.host}: {_reason(error)}", for_ever=False) from None
    _judge(status, url.host)


def body(announcement: Announcement, *, twice: bool) -> bytes:
    """A JSON object; ``twice``: a JSON text that has it in it, which is what Sloth CI posts."""
    record = announcement.record
    said = {"name": announcement.logger, "level": record.level.name, "message": record.message}
    once = json.dumps(said)
    return (json.dumps(once) if twice else once).encode()


def _headers(options: Posts, announcement: Announcement, data: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "anyrig",
        "X-Anyrig-Delivery": announcement.id,
        "X-Anyrig-Timestamp": str(announcement.record.at // 1_000_000),
    }
    if options.secret is not None:
        headers["X-Hub-Signature-256"] = signature(options.secret, data)
    return headers


def signature(secret: str, data: bytes) -> str:
    """As GitHub signs its webhooks."""
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


async def _post(url: httpx.URL, data: bytes, headers: dict[str, str], around: Around) -> int:
    """The status of the answer. Raises httpx.HTTPError."""
    async with (
        httpx.AsyncClient(verify=around.trust(), timeout=_SECONDS, follow_redirects=False) as client,
        client.stream("POST", url, content=data, headers=headers) as answer,
    ):
        with suppress(TimeoutError, httpx.HTTPError):  # it has been told, whatever becomes of the rest
            await _read(answer)
        return answer.status_code


async def _read(answer: httpx.Response) -> None:
    """Not to cut off the other side while it answers; but not much, nor for long."""
    length = 0
    async with asyncio.timeout(_SECONDS):
        async for part in answer.aiter_raw():
            length += len(part)
            if length > _LONGEST:
                return


def _judge(status: int, host: str) -> None:
    if httpx.codes.is_success(status):
        return
    if httpx.codes.is_redirect(status):
        reason = f"{host} redirects to another address ({status}), which is not followed"
        raise NotTold(reason, for_ever=True)
    for_ever = httpx.codes.is_client_error(status) and status not in _FOR_NOW
    raise NotTold(f"{host} answered {status}", for_ever=for_ever)


def _reason(error: httpx.HTTPError) -> str:
    """In the words of the system: those of the library may have what was sent in them."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
