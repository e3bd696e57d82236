"""What those who tell have in common: what is told, what of the server they need, and how they fail."""

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from anyrig.core.build_records import LOGGERS, Record
from anyrig.core.errors import AnyrigError

T = TypeVar("T")
ANNOUNCEMENTS = "announcements"
"""The topic of ``Lab.waiters`` to wake when there is something new to be told."""


class NotTold(AnyrigError):
    """{reason}"""  # noqa: D415 - half a sentence, which goes on "Could not tell …: "

    code = "not_told"

    def __init__(self, reason: str, *, for_ever: bool) -> None:
        """``for_ever``: it would be no use to try again. The reason is printed: no secrets in it."""
        super().__init__(reason=_printable(reason), for_ever=for_ever)
        self.for_ever = for_ever


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is told."""

    id: str
    """The same however often it is tried, and of no other announcement of any server."""
    listen_point: str
    project: str
    record: Record
    job: str | None = None
    """The uid of the job that it is about, if it is about one."""
    tries: int = 1
    """How often it was tried, this time included."""

    @property
    def logger(self) -> str:
        """Who says it, as clients of Sloth CI know them."""
        return self.listen_point + LOGGERS[self.record.channel]


@cache
def system_trust() -> ssl.SSLContext:
    """Trusts whom the system trusts."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Around:
    """What of the server is needed to tell."""

    logs: Path
    """The folder of file logs; it is made when it is needed."""
    file_log_folders: tuple[Path, ...] = ()
    """Absolute folders in which file logs may be as well: the setting of that name."""
    url: str | None = None
    """``http://host:port`` where people reach the server, if it is known."""
    trust: Callable[[], ssl.SSLContext] = system_trust
    """Whose certificates mail servers and receivers of posts may show."""
    threads: Executor | None = None
    """Where what blocks is done; None: where asyncio does it."""

    def page(self, job: str) -> str:
        """Where the job can be read; as long as no address is known, its uid."""
        return f"{self.url}/app/#/results?filter=job:{job}" if self.url else job


async def in_thread(around: Around, work: Callable[[], T]) -> T:
    """Whoever waits may be cancelled; the thread goes on."""
    return await asyncio.get_running_loop().run_in_executor(around.threads, work)


class Teller(Protocol):
    """One module an extension that tells, listed in ``announcing.registry``."""

    async def tell(self, options: Any, announcement: Announcement, around: Around, /) -> None:
        """Tell of one record. Raises NotTold; whatever else is raised counts as a reason to try again."""
