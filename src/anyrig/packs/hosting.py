"""Test packs on the server: one bare repository for each project, hosted, mirrored, or made from a folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

from anyrig.core.errors import Invalid, NotFound, PackUnavailable, RevisionNotFound
from anyrig.core.ids import checked_name
from anyrig.packs.git import GitFailed
from anyrig.packs.pack import Limits, Pack
from anyrig.packs.parsers import Names, Parsers
from anyrig.packs.repository import is_made, make, set_source, settle_head
from anyrig.packs.revisions import SHA, Revision
from anyrig.packs.source import recognise

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes of the largest file that ``read_file`` gives."""


class Packs:
    """The test packs below ``root``, each in ``<project>.git``. Leaving its context ends all git processes.

    Every method raises BadField for a project's name that is none, NotFound for a project without a test pack
    (except ``create`` and ``adopt``), and PackUnavailable when git does not do it in time.
    """

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        self.root = root
        self._limits = limits or Limits()
        self._parsers = Parsers()
        self._packs: dict[str, Pack] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the processes that read the packs. They start again when needed."""
        for pack in self._packs.values():
            await pack.objects.close()
        await self._parsers.close()

    def has(self, project: str) -> bool:
        """Whether the project has a test pack."""
        return is_made(self._path(project))

    def repository(self, project: str) -> Path:
        """The folder of the project's bare repository."""
        path = self._path(project)
        if not is_made(path):
            raise NotFound(what="test pack of project", name=project)
        return path

    async def create(self, project: str) -> None:
        """Host an empty test pack that is filled by pushing; nothing happens if there is one already."""
        path = self._path(project)
        with _told(project):
            await asyncio.to_thread(self.root.mkdir, parents=True, exist_ok=True)
            await make(path)

    async def adopt(self, project: str, source: str) -> None:
        """Let the test pack follow ``source``: a folder, a work tree, a bare repository or a URL.

        A repository is mirrored: its branches and tags replace ours; what was pushed to our
        ``refs/snapshots/*`` stays. Uncommitted changes of a work tree are not seen. A plain folder is
        committed on ``main`` as it is, less what its ``.gitignore`` names; the same files make the same
        commit, and no new one while unchanged.

        From then on the source is looked at again when a revision is asked for. A source on this machine is
        looked at for every name; any other when the revision is not known, or for a name when it was last
        looked at ``Limits.fresh`` seconds ago. While it cannot be reached, what we know serves.

        Raises:
            BadField: ``source`` is none of these.
            PackUnavailable: It cannot be read now. It is followed all the same.
        """
        found = await asyncio.to_thread(recognise, source)
        await self.create(project)
        await asyncio.to_thread(set_source, self._path(project), found)
        await self.fetch(project)

    async def fetch(self, project: str) -> None:
        """Bring the pack up to date with what it follows, now. For webhooks."""
        async with self._pack(project) as pack:
            await pack.fetch()

    async def pushed(self, project: str) -> None:
        """To be called after a push: the default branch is then one that exists."""
        async with self._pack(project) as pack:
            await settle_head(pack.repository)

    async def resolve(self, project: str, revision: str) -> Revision:
        """The commit of a branch, a tag, a full ``refs/…`` name, ``HEAD``, or a sha of at least 4 digits.

        Git's own operators (``main~1``, ``main:file``, ``HEAD@{1}``) are no revisions here. Every commit that
        we ever got resolves by its sha, so also the parent of a snapshot.

        Raises:
            RevisionNotFound: Neither we nor what the pack follows knows it.
        """
        async with self._pack(project) as pack:
            found = await pack.resolve(revision)
        if found is None:
            raise RevisionNotFound(project=project, revision=revision)
        return found

    async def list_tests(self, project: str, sha: str) -> Names:
        """``tests/menu.py::test_x`` of ``tests/**/*.py`` at a commit, by path and then in the source's order.

        Methods of ``Test*`` classes are ``file::TestClass::test_x``. Symbolic links are not followed.

        Raises:
            RevisionNotFound: There is no commit ``sha`` (40 digits).
        """
        async with self._pack(project) as pack:
            tests = await pack.listing.at(sha) if SHA.fullmatch(sha) else None
        if tests is None:
            raise RevisionNotFound(project=project, revision=sha)
        return tests

    async def read_file(self, project: str, sha: str, path: str) -> bytes | None:
        """A file of the pack at a commit, through symbolic links inside the pack; None if there is none.

        Raises:
            Invalid: It is larger than ``LARGEST_FILE``.
        """
        if not _is_inside(sha, path):
            return None
        async with self._pack(project) as pack:
            [entry] = await pack.objects.find([f"{sha}:{path}"])
            if entry is None or entry.kind != "blob":
                return None
            if entry.size > LARGEST_FILE:
                raise Invalid(reason=f"'{path}' is larger than {LARGEST_FILE} bytes")
            [contents] = await pack.objects.read([entry.sha])
        return contents

    async def has_path(self, project: str, sha: str, path: str) -> bool:
        """Whether the pack has a file or folder of that name at a commit."""
        if not _is_inside(sha, path):
            return False
        async with self._pack(project) as pack:
            [entry] = await pack.objects.find([f"{sha}:{path}"])
        return entry is not None

    def _path(self, project: str) -> Path:
        return self.root / f"{checked_name('project', project)}.git"

    @asynccontextmanager
    async def _pack(self, project: str) -> AsyncIterator[Pack]:
        path = self.repository(project)
        with _told(project):
            pack = self._packs.pop(project, None) or Pack(path, self._parsers, self._limits)
            self._packs[project] = pack
            await self._let_rest()
            yield pack

    async def _let_rest(self) -> None:
        """End the processes of the pack that was used longest ago, when many have some."""
        awake = [pack for pack in self._packs.values() if pack.objects.running]
        if len(awake) > self._limits.awake:
            await awake[0].objects.close()


@contextmanager
def _told(project: str) -> Iterator[None]:
    """Say whose pack it was that git had trouble with."""
    try:
        yield
    except GitFailed as error:
        raise PackUnavailable(project=project, reason=str(error)) from error
    except TimeoutError as error:
        raise PackUnavailable(project=project, reason="it took too long") from error


def _is_inside(sha: str, path: str) -> bool:
    """Whether it is a path as git writes them; anything else is not in a pack, or not meant as a path."""
    parts = path.split("/")
    return bool(SHA.fullmatch(sha)) and path.isprintable() and not {"", ".", ".."} & set(parts)
