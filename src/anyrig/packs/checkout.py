"""Test packs on the agent: a commit's files in a folder, fetched once and shared by all who run it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from weakref import WeakValueDictionary

from anyrig.core.errors import PackUnavailable, RevisionNotFound
from anyrig.packs import lease
from anyrig.packs.cache import bring, forget, project_of
from anyrig.packs.git import GitFailed
from anyrig.packs.revisions import SHA
from anyrig.packs.worktree import REPOSITORY, Stamp, make, put_right, stamp, sweep

_FEW = 50
"""To look at so many files takes less time than to hand it to a thread."""


class Checkouts:
    """Checkouts below ``cache``, one for each repository and commit. Read-only by convention.

    A checkout in which files are missing or changed is put right when it is next asked for; files that were
    added to it stay. Submodules and large files (LFS) are left as git stores them. Several processes may
    share one cache.
    """

    def __init__(self, cache: Path, *, kept: int = 20, deadline: float = 300.0) -> None:
        """Keep the ``kept`` checkouts used last, and those in use. A fetch may take ``deadline`` seconds."""
        self._cache = cache
        self._kept = kept
        self._deadline = deadline
        self._stamps: dict[Path, Stamp] = {}
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def checkout(self, url: str, token: str, sha: str) -> Path:
        """The folder with the files of commit ``sha`` (40 digits) of the repository at ``url``.

        It may be removed when others are asked for; ``lease`` prevents that. ``token`` is the Basic password.

        Raises:
            RevisionNotFound: There is no such commit.
            PackUnavailable: It cannot be fetched or written.
        """
        async with self.lease(url, token, sha) as folder:
            return folder

    @asynccontextmanager
    async def lease(self, url: str, token: str, sha: str) -> AsyncIterator[Path]:
        """As ``checkout``; the folder stays until the end of the block."""
        if not SHA.fullmatch(sha):
            raise RevisionNotFound(project=project_of(url), revision=sha)
        home = self._cache / f"{project_of(url)}-{sha256(url.encode()).hexdigest()[:16]}"
        held = _taken(home, sha, url)
        try:
            await self._ready(home, url, token, sha)
            yield home / sha
        finally:
            os.close(held)

    async def _ready(self, home: Path, url: str, token: str, sha: str) -> None:
        try:
            async with asyncio.timeout(3 * self._deadline), self._turn(home / f"{sha}{lease.TURN}"):
                if await self._is_there(home, sha):
                    return
                await self._fetch_and_make(home, url, token, sha)
        except (GitFailed, OSError) as error:
            raise PackUnavailable(project=project_of(url), reason=str(error) or "it took too long") from error
        for place, gone in await asyncio.to_thread(sweep, self._cache, self._kept):
            self._stamps.pop(place / gone, None)
            await forget(place / REPOSITORY, gone)

    async def _is_there(self, home: Path, sha: str) -> bool:
        """Whether the checkout is there and right. Git is not asked again while no file has been touched."""
        known = self._stamps.get(home / sha, frozenset())
        few = 0 < len(known) <= _FEW
        seen = stamp(home / sha) if few else await asyncio.to_thread(stamp, home / sha)
        if seen and seen == known:
            return True
        right = await put_right(home, sha)
        # Of before git looked: what is touched from then on makes another stamp.
        self._stamps[home / sha] = seen
        return right

    async def _fetch_and_make(self, home: Path, url: str, token: str, sha: str) -> None:
        async with self._turn(home / f"fetch{lease.TURN}"):
            await bring(home / REPOSITORY, url, token, sha, self._deadline)
            try:
                await make(home, sha)
            except GitFailed:  # objects are missing or damaged
                await bring(home / REPOSITORY, url, token, sha, self._deadline, anew=True)
                await make(home, sha)

    @asynccontextmanager
    async def _turn(self, path: Path) -> AsyncIterator[None]:
        async with self._locks.setdefault(path, asyncio.Lock()), lease.turn(path):
            yield


def _taken(home: Path, sha: str, url: str) -> int:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return lease.take(home / f"{sha}{lease.SUFFIX}")
    except OSError as error:
        raise PackUnavailable(project=project_of(url), reason=str(error)) from error
