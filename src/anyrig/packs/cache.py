"""The agent's copy of a test pack's repository: only the commits that it was asked to run."""

import asyncio
import secrets
import shutil
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from anyrig.core.errors import AnyrigError, PackUnavailable, RevisionNotFound
from anyrig.packs.git import Done, GitFailed, environment, must, run

_QUIET = ("--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1")
_NO_SUCH_COMMIT = ("not our ref", "couldn't find remote ref", "unadvertised object")
_NO_ACCESS = ("terminal prompts disabled", "Authentication failed", "could not read Username")


def project_of(url: str) -> str:
    """``tv`` of ``https://lab/git/tv.git``."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".git") or "pack"


def keep(sha: str) -> str:
    """The ref that keeps a fetched commit from being collected."""
    return f"refs/keep/{sha}"


async def bring(
    repository: Path, url: str, token: str, sha: str, deadline: float, *, anew: bool = False
) -> None:
    """Have commit ``sha`` of ``url`` in the bare repository, which is made if need be.

    One caller at a time. A repository that something broke, or any if ``anew``, is replaced; but only by one
    that could be fetched, so that a server which is away costs nothing.

    Raises:
        RevisionNotFound: The server has no such commit.
        PackUnavailable: It cannot be fetched.
    """
    try:
        if not anew and await _has(repository, sha):
            return
        done = None if anew else await _fetch(repository, url, token, sha, deadline)
        if done is None or _is_broken(done):
            done = await _begin_anew(repository, url, token, sha, deadline)
    except GitFailed as error:
        raise PackUnavailable(project=project_of(url), reason=str(error)) from error
    if done.code:
        raise _told(done, project_of(url), sha)


async def forget(repository: Path, sha: str) -> None:
    """Let the commit be collected one day."""
    await run("update-ref", "-d", keep(sha), env=environment(GIT_DIR=str(repository)))


async def _has(repository: Path, sha: str) -> bool:
    env = environment(GIT_DIR=str(repository))
    return not (await run("rev-parse", "--quiet", "--verify", f"{keep(sha)}^{{tree}}", env=env)).code


async def _fetch(repository: Path, url: str, token: str, sha: str, deadline: float) -> Done:
    config = _credentials(url, token) | {"http.lowSpeedLimit": "1", "http.lowSpeedTime": "30"}
    env = environment(config, alone=False, GIT_DIR=str(repository))
    return await run("fetch", *_QUIET, "--", url, f"+{sha}:{keep(sha)}", env=env, deadline=deadline)


async def _begin_anew(repository: Path, url: str, token: str, sha: str, deadline: float) -> Done:
    new = repository.with_name(f"tmp-{secrets.token_hex(8)}")
    try:
        await must("init", "--quiet", "--bare", "--template=", new, env=environment())
        done = await _fetch(new, url, token, sha, deadline)
        if not done.code:
            await asyncio.to_thread(_replace, repository, new)
    finally:
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
    return done


def _replace(old: Path, new: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)


def _credentials(url: str, token: str) -> dict[str, str]:
    """Sends the token to this server only, and never asks anybody for another one."""
    config = {"http.followRedirects": "false", "credential.helper": ""}
    parts = urlsplit(url)
    if token and parts.scheme in ("http", "https"):
        basic = b64encode(f"anyrig:{token}".encode()).decode()
        config[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {basic}"
    return config


def _is_broken(done: Done) -> bool:
    """Whether the repository may be to blame: neither the server has said no, nor the deadline has passed."""
    return done.code > 0 and not any(words in done.err for words in (*_NO_SUCH_COMMIT, *_NO_ACCESS))


def _told(done: Done, project: str, sha: str) -> AnyrigError:
    if any(words in done.err for words in _NO_SUCH_COMMIT):
        return RevisionNotFound(project=project, revision=sha)
    refused = any(words in done.err for words in _NO_ACCESS)
    return PackUnavailable(project=project, reason="the server refused the token" if refused else done.reason)
