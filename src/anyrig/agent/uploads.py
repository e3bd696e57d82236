"""Bringing files to the server, however long that takes.

What a test leaves is mostly small, and mostly the same as the last time; so small files share a request, and
those sent lately are not sent again. A large file is streamed, and goes on where a broken connection left it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from anyrig.agent.measured import Measured, blocks, measure, measured
from anyrig.agent.pause import Pause
from anyrig.core.errors import BadObject, Forbidden, Invalid, Unauthenticated, Unavailable
from anyrig.core.messages import Artifact

PATH = "/api/v3/agent/objects"
_FEW = 8
_LITTLE = 64 * 1024
"""Bytes."""
_REMEMBERED = 4096
"""How many digests of small files are known to be on the server."""
REMEMBERED_FOR = 3600.0
"""Seconds; much less than the age at which a server removes what nothing refers to any more."""
_TRIES = 5
"""How often a file is measured and sent anew when it is not what it was announced as."""
_QUIET = 300.0
"""Seconds without progress after which a request is given up, to be tried again. At the end of an upload the
server may need long: it reads what an earlier connection brought, and passes the whole on to its store."""
_BUSY = (408, 409, 425, 429)
"""Answers that another try may change; 409 is a resumed upload that goes on elsewhere by now."""

log = logging.getLogger(__name__)


class Uploads:
    """Sends files to one server. Any number of calls may be under way at once."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: str,
        *,
        first_wait: float = 0.2,
        longest_wait: float = 30.0,
        remembered_for: float = REMEMBERED_FOR,
    ) -> None:
        """Name the server (``http://host:8000``); nothing is sent yet.

        ``first_wait`` and ``longest_wait`` bound the pause between tries, in seconds; it doubles each time.
        ``remembered_for``: seconds for which a file that was sent is taken to be there.
        """
        self._session = session
        self._url = base_url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}"}
        self._waits = (first_wait, longest_wait)
        self._remembered_for = remembered_for
        self._known: dict[str, float] = {}
        """Digest -> until when it is taken to be there, by the monotonic clock; the oldest first."""

    async def send(self, files: Sequence[tuple[str, Path]]) -> tuple[Artifact, ...]:
        """Send files, each given as (artifact name, path); they may be gone once this returns.

        Tries for ever while the server is away, or has no room, or fails: cancel it to give up. Of a file
        that is still written to, what it held at some moment is sent.

        Raises:
            BadObject: A file changes faster than it can be sent.
            Forbidden: The token may not bring objects.
            Invalid: The server does not speak this protocol.
            OSError: A file cannot be read.
            Unauthenticated: The token is not valid.
        """
        artifacts: list[Artifact] = []
        while batch := await asyncio.to_thread(measured, files[len(artifacts) :]):
            await self._send_small([one for one in batch if one.content is not None])
            artifacts += [await self._sent(one) for one in batch]
        return tuple(artifacts)

    def unknown(self, files: Sequence[Measured]) -> list[Measured]:
        """Those that the server is not known to have."""
        now = time.monotonic()
        return [one for one in files if self._known.get(one.artifact.sha256, now) <= now]

    def came(self, files: Iterable[Measured]) -> None:
        """The server has them."""
        until = time.monotonic() + self._remembered_for
        for one in files:
            self._remember(one.artifact.sha256, until)

    async def _send_small(self, files: list[Measured]) -> None:
        unknown = {one.artifact.sha256: one for one in self.unknown(files)}.values()
        if unknown:
            body = _packed(unknown)
            await self._retried(lambda _: self._post(body))
            self.came(unknown)

    async def _post(self, body: bytes) -> None:
        async with self._session.post(
            self._url,
            data=body,
            headers=self._headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=_QUIET),
        ) as reply:
            await _check(reply)

    def _remember(self, sha256: str, until: float) -> None:
        self._known.pop(sha256, None)
        self._known[sha256] = until
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    async def _sent(self, file: Measured) -> Artifact:
        if file.content is not None:
            return file.artifact
        for _ in range(_TRIES - 1):
            try:
                await self._retried(partial(self._put, file))
            except BadObject:
                file = await asyncio.to_thread(measure, file.artifact.name, file.path)
            else:
                return file.artifact
        await self._retried(partial(self._put, file))
        return file.artifact

    async def _put(self, file: Measured, pause: Pause) -> None:
        offset = await self._offset(file.artifact)
        if offset is None:
            return
        pause.progress(offset)
        source = _Source(file, offset)
        try:
            async with asyncio.timeout(_QUIET) as deadline:
                await self._stream(file.artifact, offset, source.chunks(deadline))
        except aiohttp.ClientError as error:
            if source.failed:
                raise BadObject(sha256=file.artifact.sha256, reason="the file has changed") from error
            raise

    async def _offset(self, artifact: Artifact) -> int | None:
        """From where to send; None when the server has it all."""
        timeout = aiohttp.ClientTimeout(total=_QUIET)
        url = f"{self._url}/{artifact.sha256}"
        async with self._session.head(url, headers=self._headers, timeout=timeout) as reply:
            if reply.status == 404 and "Upload-Offset" in reply.headers:  # noqa: PLR2004
                offset = int(reply.headers["Upload-Offset"])
                return offset if offset <= artifact.size else 0
            await _check(reply)
            return None

    async def _stream(self, artifact: Artifact, offset: int, chunks: AsyncIterator[bytes]) -> None:
        span = f"{offset}-{artifact.size - 1}" if offset < artifact.size else "*"
        headers = {
            **self._headers,
            "Content-Length": str(artifact.size - offset),
            "Content-MD5": artifact.md5,
            "Content-Range": f"bytes {span}/{artifact.size}",
        }
        # Asking first spares the bytes when there is no room, or somebody else is sending the same file.
        async with self._session.put(
            f"{self._url}/{artifact.sha256}",
            data=chunks,
            headers=headers,
            expect100=True,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as reply:
            await _check(reply)

    async def _retried(self, attempt: Callable[[Pause], Awaitable[None]]) -> None:
        pause = Pause(*self._waits)
        while True:
            try:
                return await attempt(pause)
            except (aiohttp.ClientError, TimeoutError, Unavailable) as error:
                log.warning("an upload waits: %s", error or repr(error))
                await pause.wait()


def little(files: Sequence[tuple[str, Path]]) -> list[Measured] | None:
    """The files, if they are so few and small that they fit into a message; else None.

    Not in a thread: to read a little takes less time than to wake one.
    """
    try:
        if len(files) > _FEW or sum(path.stat().st_size for _, path in files) > _LITTLE:
            return None
        return [measure(name, path) for name, path in files]
    except OSError:
        return None


class _Source:
    """The rest of a file as the body of one request."""

    def __init__(self, file: Measured, offset: int) -> None:
        self.failed = False
        """The file could not be read as it was measured; all the HTTP client sees is a lost request."""
        self._blocks = blocks(file.path, offset, file.artifact.size)

    async def chunks(self, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        try:
            while block := await asyncio.to_thread(next, self._blocks, b""):
                yield block
                deadline.reschedule(loop.time() + _QUIET)
        except OSError:
            self.failed = True
            raise


def _packed(files: Iterable[Measured]) -> bytes:
    """The body of a POST: the header's length, the header, the contents."""
    found = [(one.artifact, one.content or b"") for one in files]
    header = msgspec.json.encode([{"sha256": a.sha256, "md5": a.md5, "size": a.size} for a, _ in found])
    return b"".join([len(header).to_bytes(4, "big"), header, *(content for _, content in found)])


async def _check(reply: aiohttp.ClientResponse) -> None:
    """Raise what the server's answer means."""
    if reply.status < 300:  # noqa: PLR2004
        return
    reason = f"HTTP {reply.status} {(await reply.text())[:500]}".strip()
    match reply.status:
        case 401:
            raise Unauthenticated
        case 403:
            raise Forbidden(user="The agent's token", role="agent", action="bring objects")
        case 422:
            raise BadObject(sha256=reply.url.name, reason=reason)
        case status if status in _BUSY or status >= 500:  # noqa: PLR2004
            raise Unavailable(what="The server", reason=reason)
        case _:
            raise Invalid(reason=reason)
