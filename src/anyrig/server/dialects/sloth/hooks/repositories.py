"""Tells whether a payload is about the repository that a test is for."""

from collections.abc import Iterable

from anyrig.server.dialects.sloth.hooks.base import BAD_SHAPE, FORBIDDEN, Refused, shown
from anyrig.server.dialects.sloth.hooks.options import GitHost
from anyrig.server.dialects.sloth.hooks.payload import at, required, text


def check_owner_and_repo(config: GitHost, payload: object) -> None:
    """As GitHub and Gitea name them. Raises Refused: it is another repository."""
    if config.owner is not None:
        owner = required(payload, *(f"repository.owner.{key}" for key in ("login", "username", "name")))
        _check("owner", config.owner, [owner])
    if config.repo is not None:
        _check("repository", config.repo, [required(payload, "repository.name")])


def check_full_name(config: GitHost, payload: object) -> None:
    """As Bitbucket names it: ``owner/repo``. Raises Refused: it is another repository."""
    if config.owner is None and config.repo is None:
        return
    owner, _, repo = required(payload, "repository.full_name").partition("/")
    _check("owner", config.owner or owner, [owner])
    _check("repository", config.repo or repo, [repo])


def check_project(config: GitHost, payload: object) -> None:
    """As GitLab names it: by its path, or as people call it. Raises Refused: it is another repository."""
    if config.owner is not None:
        path = required(payload, "project.path_with_namespace")
        _check("owner", config.owner, [path.rpartition("/")[0]])
    if config.repo is None:
        return
    paths = ("project.path_with_namespace", "project.name", "repository.name")
    names = [name for name in (text(payload, path) for path in paths) if name is not None]
    if not names:
        raise Refused(BAD_SHAPE, f"The payload has another shape: {paths[0]} is missing.")
    _check("repository", config.repo, names)


def has_repository(payload: object) -> bool:
    """Not all that a host tells is about a repository."""
    return at(payload, "repository") is not None


def _check(what: str, wanted: str, names: Iterable[str]) -> None:
    """Git hosts take upper and lower case for the same."""
    given = list(names)
    if wanted.casefold() not in map(str.casefold, given):
        raise Refused(FORBIDDEN, f"Unverified {what}: {shown(given[0])}.")
