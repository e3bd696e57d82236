"""The server's API for the commands; the only module that knows the HTTP library.

That is the standard library's: any other takes longer to load than most commands take to answer.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

import msgspec

from anyrig import __version__
from anyrig.cli.events import Event, parsed
from anyrig.cli.exits import Refused

DEFAULT_URL = "http://127.0.0.1:8000"
_PATIENCE = 120.0
"""Seconds for which a lost connection to a job's events is made again."""
_TIMEOUT = 70.0
"""Seconds of silence: the longest answer that is waited for comes after 55, and events come every 15."""
_BLOCK = 65_536

Json = dict[str, Any]


class Client:
    """A server and who speaks to it. Every method raises Refused."""

    def __init__(self, url: str, token: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise Refused(f"ANYRIG_URL is '{url}', and not a URL that begins with http:// or https://.", 400)
        self.url = url.rstrip("/")
        self._headers = {"User-Agent": f"anyrig/{__version__}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def from_environment(cls) -> Self:
        """The server that ANYRIG_URL names, with the token in ANYRIG_TOKEN."""
        return cls(os.environ.get("ANYRIG_URL") or DEFAULT_URL, os.environ.get("ANYRIG_TOKEN", "").strip())

    def get(self, path: str, **params: Any) -> Json:
        """What is there, as JSON. Parameters that are None are left out."""
        return self._json("GET", path + _query(params))

    def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        return self._json("POST", path, msgspec.json.encode(body) if body is not None else b"", headers)

    def tell(self, path: str, body: Json) -> None:
        """Post what has no answer."""
        with self._open("POST", path, msgspec.json.encode(body)):
            pass

    def delete(self, path: str) -> None:
        with self._open("DELETE", path):
            pass

    def file(self, path: str, **params: Any) -> tuple[bytes, Mapping[str, str]]:
        """A file that is not large, and the headers that came with it, named in small letters."""
        with self._open("GET", path + _query(params)) as response:
            return response.read(), {name.lower(): value for name, value in response.headers.items()}

    def _json(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        with self._open(method, path, body, headers) as response:
            data = response.read()
        try:
            found: Json = msgspec.json.decode(data)
        except msgspec.DecodeError:
            raise Refused(f"What answers at {self.url} is not an Anyrig server.") from None
        return found

    def pages(self, path: str, field: str, limit: int, **params: Any) -> Iterator[Json]:
        """At most ``limit`` things of a list, over as many pages as it takes."""
        cursor = None
        while limit > 0:
            page = self.get(path, limit=min(limit, 1000), cursor=cursor, **params)
            yield from page[field]
            limit -= len(page[field])
            cursor = page["next"]
            if cursor is None:
                return

    def stream(self, path: str, **params: Any) -> Iterator[bytes]:
        """An answer piece by piece, as it comes."""
        with self._open("GET", path + _query(params)) as response:
            while piece := response.read1(_BLOCK):
                yield piece

    def events(self, job: int) -> Iterator[Event]:
        """What happens to a job until it is over; goes on where it was when the connection is lost."""
        last, deadline = "", time.monotonic() + _PATIENCE
        while True:
            try:
                for event in self._events(job, last):
                    last, deadline = event.id or last, time.monotonic() + _PATIENCE
                    yield event
                    if event.name == "end":
                        return
            except Refused as refused:
                if refused.status is not None or time.monotonic() > deadline:
                    raise
            time.sleep(1.0)

    def _events(self, job: int, last: str) -> Iterator[Event]:
        headers = {"Last-Event-ID": last} if last else {}
        with self._open("GET", f"/jobs/{job}/events", headers=headers) as response:
            yield from parsed(line.decode().rstrip("\n") for line in response)

    @contextmanager
    def _open(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[HTTPResponse]:
        more = {**self._headers, **(headers or {})}
        asked = Request(self.url + "/api/v3" + path, body, more, method=method)  # noqa: S310 - see __init__
        try:
            with urlopen(asked, timeout=_TIMEOUT) as response:  # noqa: S310 - as above
                yield response
        except HTTPError as error:
            raise _refused(error) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise Refused(f"The server at {self.url} does not answer: {reason}.") from error


def _query(params: Mapping[str, Any]) -> str:
    given = {name: value for name, value in params.items() if value is not None}
    return f"?{urlencode(given, quote_via=quote)}" if given else ""


def _refused(error: HTTPError) -> Refused:
    """What the server says of its refusal."""
    with error:
        data = error.read()
    try:
        problem = msgspec.json.decode(data)
        return Refused(str(problem["detail"]), error.code, problem)
    except (msgspec.DecodeError, KeyError, TypeError):
        return Refused(f"The server answered {error.code} {error.reason}.", error.code)
