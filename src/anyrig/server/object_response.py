"""Serving an object: ranges, caching, and nothing of it runs in our origin."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from anyrig.core.errors import NotFound
from anyrig.server.ranges import names, wanted
from anyrig.storage.artifacts import Objects

_STALLED = 300.0
"""Seconds a client may take for one block (1 to 8 MiB, as the store reads) before it is given up."""
_AT_ONCE = 1 << 20
"""Up to this many bytes are answered in one piece, which spares a task that looks out for a disconnect."""
_TAME = re.compile(r"[A-Za-z0-9._ -]+")
_PLAIN = "text/plain; charset=utf-8"
_TYPES = {
    ".cfg": _PLAIN,
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".diff": _PLAIN,
    ".gif": "image/gif",
    ".gz": "application/gzip",
    ".har": "application/json",
    ".htm": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ini": _PLAIN,
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jsonl": _PLAIN,
    ".log": _PLAIN,
    ".md": _PLAIN,
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".pcap": "application/vnd.tcpdump.pcap",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": _PLAIN,
    ".srt": _PLAIN,
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".toml": _PLAIN,
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".txt": _PLAIN,
    ".vtt": "text/vtt; charset=utf-8",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".xml": "text/xml; charset=utf-8",
    ".yaml": _PLAIN,
    ".yml": _PLAIN,
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
"""A table of our own: what the system knows of types differs from machine to machine."""


async def object_response(
    request: Request,
    objects: Objects,
    sha256: str,
    filename: str,
    size: int,
    md5: str,
    *,
    download: bool = False,
) -> Response:
    """Answer GET or HEAD with an object of ``size`` bytes; ``filename`` tells its type and may have folders.

    The answers are those of RFC 9110: 200, 206 and 416 for a single range, 304. ``download`` asks a browser
    to save the file instead of showing it.

    Raises:
        NotFound: The store has no such object (any more).
    """
    if await objects.size(sha256) is None:
        raise NotFound(what="artifact", name=filename)
    headers = _headers(sha256, filename, md5, download=download)
    if names(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers={**headers, "content-length": str(size)})
    span = _span(request, headers["etag"], size)
    if span is None:
        return await _body(objects, sha256, range(size), 200, headers)
    if not span:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return await _body(objects, sha256, span, 206, headers)


def _span(request: Request, etag: str, size: int) -> range | None:
    """The range asked for, unless it was meant for another version of the file (RFC 9110, section 13.1.5)."""
    if request.headers.get("if-range", etag) != etag:
        return None
    return wanted(request.headers.get("range"), size)


def _headers(sha256: str, filename: str, md5: str, *, download: bool) -> dict[str, str]:
    path = PurePosixPath(filename)
    media_type = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": _disposition(path.name, download=download),
        "content-type": media_type,
        "etag": f'"{sha256}"',
        "repr-digest": f"sha-256=:{_base64(sha256)}:, md5=:{_base64(md5)}:",
        "x-content-type-options": "nosniff",
    }
    if media_type != "application/pdf":  # browsers show no PDF in a sandbox, and run none of it in our origin
        headers["content-security-policy"] = "sandbox"
    return headers


def _disposition(name: str, *, download: bool) -> str:
    """RFC 6266: a name that could break out of its quotes, or is not ASCII, goes in percent form."""
    kind = "attachment" if download else "inline"
    if _TAME.fullmatch(name):
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


async def _body(objects: Objects, sha256: str, span: range, status: int, headers: dict[str, str]) -> Response:
    blocks = objects.open(sha256, span.start, span.stop)
    if len(span) <= _AT_ONCE:
        return Response(b"".join([block async for block in blocks]), status, headers)
    return _Blocks(blocks, status, {**headers, "content-length": str(len(span))})


class _Blocks(StreamingResponse):
    """Sends block by block, as fast as the client takes them; a client that takes none is given up."""

    body_iterator: AsyncGenerator[bytes, None]

    async def stream_response(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with asyncio.timeout(_STALLED) as deadline, aclosing(self.body_iterator) as blocks:
            async for block in blocks:
                await send({"type": "http.response.body", "body": block, "more_body": True})
                deadline.reschedule(loop.time() + _STALLED)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
