"""What a client may call a revision, and where it is looked up."""

import re
from dataclasses import dataclass

HEAD = "HEAD"
SHA = re.compile(r"[0-9a-f]{40}")
_ABBREVIATED = re.compile(r"[0-9a-f]{4,39}")
# What `git check-ref-format` refuses. None of git's operators (main:file, HEAD@{1}, main~1, :/text) passes.
_NO_REF = re.compile(
    r"""[\s~^:?*\[\\] | \.\. | @\{ | // | ^/ | /$ | \.$ | (?:^|/)\. | \.lock(?:/|$)""", re.VERBOSE
)
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of a test pack."""

    sha: str
    """40 hexadecimal digits."""
    branch: str | None
    """The full name, such as ``refs/heads/main``, for a branch, a tag or HEAD; None for a sha."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a revision may be found: a name for git, and what to call it if it is there."""

    name: str
    branch: str | None


def is_sha(revision: str) -> bool:
    """Whether it is a whole commit id, which can never come to mean something else."""
    return SHA.fullmatch(revision.lower()) is not None


def places(revision: str) -> tuple[Place, ...]:
    """Where to look for ``revision``, best first; nowhere if it cannot be a name.

    A branch goes before a tag of that name, and both before an abbreviated sha.
    """
    if revision == HEAD:
        return (Place(HEAD, HEAD),)
    if is_sha(revision):
        return (Place(revision.lower(), None),)
    if not revision.isprintable() or len(revision) > _LONGEST or _NO_REF.search(revision):
        return ()
    if revision.startswith("refs/"):
        return _full_names(revision)
    names = [f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}"]
    shas = [Place(revision.lower(), None)] if _ABBREVIATED.fullmatch(revision.lower()) else []
    return (*(Place(name, name) for name in names), *shas)


def _full_names(name: str) -> tuple[Place, ...]:
    """A snapshot pushed to us goes before one that was only fetched from upstream."""
    if not name.startswith("refs/snapshots/"):
        return (Place(name, name),)
    return (Place(name, name), Place(name.replace("refs/", "refs/upstream/", 1), name))
