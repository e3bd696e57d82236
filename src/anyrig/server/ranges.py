"""Which bytes a request asks for: RFC 9110, sections 13 and 14, for one range and strong ETags."""

import re

from anyrig.core.errors import Invalid

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE | re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18})", re.IGNORECASE | re.ASCII)


def wanted(header: str | None, size: int) -> range | None:
    """The bytes that a ``Range`` asks for, of an object of ``size`` bytes.

    None means all of it: no range, several ranges, or one that makes no sense, which a server may ignore
    (section 14.2). An empty range means that it cannot be satisfied.
    """
    match = _RANGE.fullmatch(header or "")
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return _suffix(int(match[2]), size)
    first = int(match[1])
    last = int(match[2]) if match[2] else max(first, size - 1)
    if last < first:
        return None
    return range(min(first, size), min(last + 1, size))


def _suffix(length: int, size: int) -> range | None:
    """The last ``length`` bytes; an empty object has none to name, so it is given whole."""
    return range(max(size - length, 0), size) if size or not length else None


def offered(header: str | None, content_length: str | None) -> tuple[int, int]:
    """(offset, total size) of an upload that goes up to the object's end, both in bytes.

    ``Content-Range: bytes 5-9/10`` goes on at 5; ``bytes */10`` says that everything has been sent already.
    Without it the body is the whole object.

    Raises:
        Invalid: It is something else, it ends before the object does, or no length is given.
    """
    if header is None:
        if content_length is None:
            raise Invalid(reason="neither Content-Length nor Content-Range says how long the object is")
        return 0, int(content_length)
    match = _CONTENT_RANGE.fullmatch(header)
    if not match:
        raise Invalid(
            reason=f"Content-Range '{header}' is neither 'bytes START-END/TOTAL' nor 'bytes */TOTAL'"
        )
    size = int(match[3])
    offset, end = (int(match[1]), int(match[2]) + 1) if match[1] else (size, size)
    if end != size or offset > end:
        raise Invalid(reason=f"Content-Range '{header}' does not end where the object ends")
    if content_length is not None and int(content_length) != end - offset:
        raise Invalid(reason=f"Content-Range '{header}' and Content-Length '{content_length}' differ")
    return offset, size


def names(header: str | None, etag: str) -> bool:
    """Whether an ``If-None-Match`` names this ETag (weak comparison, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return "*" in tags or etag in tags
