"""Branches and tags that were pushed, and which of them are to be built."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from anyrig.server.dialects.sloth.hooks.base import (
    BAD_SHAPE,
    FORBIDDEN,
    OK,
    Judgement,
    Refused,
    listed,
    nothing,
    shown,
)
from anyrig.server.dialects.sloth.hooks.payload import at, required, text

_NAME = re.compile(
    r"(?![./])(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,1000}(?<![./])"
)
"""What Git takes for the name of a branch (git-check-ref-format(1))."""
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_NOWHERE = re.compile(r"0+")
"""Instead of a commit: there is none, the branch is gone."""


class Kind(StrEnum):
    """What a ref is."""

    BRANCH = "branch"
    TAG = "tag"
    OTHER = "ref"


_PREFIXES = {"refs/heads/": Kind.BRANCH, "refs/tags/": Kind.TAG, "refs/": Kind.OTHER}


@dataclass(frozen=True, slots=True)
class Push:
    """What happened to one branch or tag."""

    kind: Kind
    name: str
    """All of a branch's name: ``feature/x`` is not ``x``."""
    ref: str
    deleted: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    """More params: ``commit``, ``pusher``."""

    @property
    def params(self) -> dict[str, str]:
        """For a run: ``branch`` has the tag's name if it is a tag, as those who build both expect."""
        tag = {"tag": self.name} if self.kind is Kind.TAG else {}
        return {"branch": self.name, "ref": self.ref, **tag, **self.about}


@dataclass(frozen=True, slots=True)
class Refs:
    """Which pushes are to be built."""

    branches: tuple[str, ...] | None = None
    """Names, or patterns in which ``*`` matches slashes, too; a tag's name means that tag. None: all."""
    tags: tuple[str, ...] = ()
    """Patterns of tags."""

    def want(self, push: Push) -> bool:
        named = self.branches or ()
        match push.kind:
            case Kind.BRANCH:
                return self.branches is None or _matches(push.name, named)
            case Kind.TAG:
                return push.name in named or _matches(push.name, self.tags)
            case _:
                return False


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def push_of(ref: str, about: Mapping[str, str | None], *, deleted: bool = False) -> Push:
    """``ref`` is a full ref, or a branch's name.

    Raises:
        Refused: It is neither; or ``commit`` is not the id of one.
    """
    prefix = next((each for each in _PREFIXES if ref.startswith(each)), "")
    name, kind = ref.removeprefix(prefix), _PREFIXES.get(prefix, Kind.BRANCH)
    if not _NAME.fullmatch(name):
        raise Refused(BAD_SHAPE, f"'{shown(ref)}' is not the name of a branch or a tag.")
    commit = about.get("commit")
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise Refused(BAD_SHAPE, f"'{shown(commit)}' is not the id of a commit.")
    known = {param: value for param, value in about.items() if value is not None}
    return Push(kind, name, ref if prefix else f"refs/heads/{name}", deleted, known)


def only_push(payload: Mapping[str, object], commits: tuple[str, ...], pushers: tuple[str, ...]) -> Push:
    """The push in a payload as GitHub, GitLab and Gitea send it: one ref, from ``before`` to ``after``.

    ``commits`` and ``pushers`` are the paths where those may be, the best first.
    """
    gone = at(payload, "deleted") is True or is_nowhere(at(payload, "after"))
    about = {"commit": text(payload, *commits), "pusher": text(payload, *pushers)}
    return push_of(required(payload, "ref"), about, deleted=gone)


def is_nowhere(commit: object) -> bool:
    return isinstance(commit, str) and _NOWHERE.fullmatch(commit) is not None


def chosen(refs: Refs, pushes: Iterable[Push], delivery: tuple[str, ...]) -> Judgement:
    """One run for each that is wanted.

    Raises:
        Refused: Branches were pushed, and none of them is wanted.
    """
    pushed = list({push.ref: push for push in pushes}.values())
    there = [push for push in pushed if not push.deleted]
    if wanted := [push for push in there if refs.want(push)]:
        return Judgement(OK, _validated(wanted), tuple(push.params for push in wanted), delivery)
    if others := [push.name for push in there if push.kind is Kind.BRANCH]:
        wished = listed(list(refs.branches or ())) or "none"
        raise Refused(FORBIDDEN, f"Unverified branch: {listed(others)} (to be built: {wished}).")
    return nothing(listed([_why_not(push) for push in pushed]) or "no branch was pushed")


def _validated(wanted: list[Push]) -> str:
    branches = listed([push.name for push in wanted if push.kind is Kind.BRANCH])
    tags = listed([push.name for push in wanted if push.kind is Kind.TAG])
    said = [f"Branches: {branches}"] * bool(branches) + [f"Tags: {tags}"] * bool(tags)
    return f"Payload validated. {'. '.join(said)}"


def _why_not(push: Push) -> str:
    if push.deleted:
        return f"{push.kind} {push.name} was deleted"
    if push.kind is Kind.TAG:
        return f"tag {push.name} is not among those to be built"
    return f"{push.ref} is neither a branch nor a tag"
