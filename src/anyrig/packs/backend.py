"""The server's side of git's smart HTTP protocol: ``git http-backend``, a CGI program (RFC 3875)."""

from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anyrig.packs.git import GitFailed, end, environment, start

_BLOCK = 64 * 1024
SERVICES = ("git-upload-pack", "git-receive-pack")
"""Reading and writing, by their names in the protocol."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a git client."""

    repository: Path
    action: str
    """``info/refs`` or one of ``SERVICES``."""
    service: str
    """The one that the client is after."""
    user: str
    client: str
    """Its address, for the repository's log."""
    headers: Mapping[str, str]
    """By lower-case names."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The program at work. Write to ``stdin`` and read ``head`` and ``blocks`` at the same time."""

    stdin: StreamWriter
    stdout: StreamReader

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers.

        Status 500 if the program ended without any.
        """
        status, headers = 200, dict[str, str]()
        while line := (await self.stdout.readline()).decode("latin-1").strip():
            name, _, value = line.partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers[name.lower()] = value.strip()
        return status if headers else 500, headers

    async def blocks(self) -> AsyncIterator[bytes]:
        while block := await self.stdout.read(_BLOCK):
            yield block


@asynccontextmanager
async def answering(call: Call) -> AsyncIterator[Answering]:
    """Run the program; whoever leaves ends it and all it started.

    Raises:
        GitFailed: There is no git.
    """
    process = await start("git", "http-backend", env=environment() | _cgi(call))
    try:
        if process.stdin is None or process.stdout is None:
            raise GitFailed("git http-backend has no pipes")
        yield Answering(process.stdin, process.stdout)
    finally:
        await end(process)


def _cgi(call: Call) -> dict[str, str]:
    """A body without a length is read to its end, as the program does it (git-http-backend(1))."""
    asks = call.action == "info/refs"
    given = {
        "CONTENT_TYPE": call.headers.get("content-type"),
        "CONTENT_LENGTH": call.headers.get("content-length"),
        "HTTP_CONTENT_ENCODING": call.headers.get("content-encoding"),
        "GIT_PROTOCOL": call.headers.get("git-protocol"),
    }
    return {key: value for key, value in given.items() if value} | {
        "GIT_PROJECT_ROOT": str(call.repository.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{call.repository.name}/{call.action}",
        "QUERY_STRING": f"service={call.service}" if asks else "",
        "REQUEST_METHOD": "GET" if asks else "POST",
        "REMOTE_USER": call.user,
        "REMOTE_ADDR": call.client,
    }
