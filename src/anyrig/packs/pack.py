"""One project's test pack: its repository, what it follows, and the processes that read it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from anyrig.packs.flight import Flight
from anyrig.packs.following import follow
from anyrig.packs.git import GitFailed
from anyrig.packs.listing import Listing
from anyrig.packs.objects import Objects
from anyrig.packs.parsers import Parsers
from anyrig.packs.repository import head_of, source_of
from anyrig.packs.revisions import HEAD, Place, Revision, is_sha, places
from anyrig.packs.source import Kind, Source, Stamp, stamp

_FEW = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds, and how much is kept."""

    fetch: float = 13.0
    """A fetch that a request waits for, and perhaps another one before it. Clients of stb-tester wait 30."""
    adopt: float = 600.0
    """A fetch that an operator or a webhook asked for, such as the very first one."""
    fresh: float = 60.0
    """How long what we know of an upstream's branches counts as fresh."""
    awake: int = 24
    """Packs for which git processes are kept waiting, two for each."""


class Pack:
    """Raises GitFailed whenever git does; ``hosting`` says whose pack it was."""

    def __init__(self, repository: Path, parsers: Parsers, limits: Limits) -> None:
        self.repository = repository
        self.objects = Objects(repository)
        self.listing = Listing(repository, self.objects, parsers)
        self._limits = limits
        self._flight = Flight(self._follow)
        self._looked = float("-inf")
        self._stamp: Stamp | None = None

    async def fetch(self) -> None:
        """Bring in what the source has now, even if a fetch is already under way. Nothing if it has none."""
        await self._flight.after(self._flight.ticket(), self._limits.adopt)

    async def resolve(self, revision: str) -> Revision | None:
        """The commit that ``revision`` names now; what we do not know is looked up at the source first."""
        ticket, wanted = self._flight.ticket(), places(revision)
        if not wanted:
            return None
        source = source_of(self.repository)
        if source is not None and not is_sha(revision):
            await self._freshen(source, ticket)
        found = await self._look(wanted)
        if found is None and source is not None:
            await self._flight.after(ticket, self._limits.fetch)
            found = await self._look(wanted)
        return found

    async def _look(self, wanted: tuple[Place, ...]) -> Revision | None:
        for place in wanted:
            [entry] = await self.objects.find([f"{place.name}^{{commit}}"])
            if entry is not None:
                branch = head_of(self.repository) if place.branch == HEAD else place.branch
                return Revision(entry.sha, branch)
        return None

    async def _freshen(self, source: Source, ticket: int) -> None:
        """Fetch if the source may have changed. What we know still serves while it cannot be reached."""
        if not await self._is_fresh(source):
            with suppress(GitFailed):
                await self._flight.after(ticket, self._limits.fetch)

    async def _is_fresh(self, source: Source) -> bool:
        if source.kind is Kind.UPSTREAM:
            return asyncio.get_running_loop().time() - self._looked < self._limits.fresh
        if self._stamp is None:
            return False
        # A look at a few files takes less time than handing it to a thread.
        few = len(self._stamp) <= _FEW
        return self._stamp == (stamp(source) if few else await asyncio.to_thread(stamp, source))

    async def _follow(self, deadline: float) -> None:
        source = source_of(self.repository)
        if source is None:
            return
        # Both are taken before the fetch: a change during it is seen next time, and a dead upstream is not
        # asked again by every request.
        self._looked = asyncio.get_running_loop().time()
        seen = await asyncio.to_thread(stamp, source)
        await follow(self.repository, source, deadline)
        self._stamp = seen
