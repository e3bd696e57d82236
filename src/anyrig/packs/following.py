"""Fills a hosted repository from where its pack comes from."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from anyrig.packs.git import environment, must, run
from anyrig.packs.repository import MAIN
from anyrig.packs.revisions import HEAD, SHA
from anyrig.packs.source import Kind, Source

# A commit of a plain folder is the same wherever and whenever it is made: only the files make its sha.
_NOBODY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Anyrig"), ("EMAIL", "anyrig@localhost"), ("DATE", "1000000000 +0000"))
}
_AS_IT_IS = {"core.excludesFile": os.devnull, "core.autocrlf": "false", "advice.addEmbeddedRepo": "false"}
_REFS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    "+refs/snapshots/*:refs/upstream/snapshots/*",
)


async def follow(repository: Path, source: Source, deadline: float) -> None:
    """Bring in what the source has now, each step within ``deadline`` seconds.

    Raises:
        GitFailed: It cannot be read.
    """
    if source.kind is Kind.FOLDER:
        await _commit(repository, source.location, deadline)
    else:
        await _fetch(repository, source, deadline)


async def _commit(repository: Path, folder: str, deadline: float) -> None:
    """Commit the folder on main, less what its ``.gitignore`` names; no commit if nothing changed."""
    env = environment(_AS_IT_IS, GIT_DIR=str(repository), GIT_WORK_TREE=folder) | _NOBODY
    # A new index each time: one that a crash left half written, or locked, would be in the way for ever.
    with TemporaryDirectory(prefix="index-", dir=repository) as place:
        env["GIT_INDEX_FILE"] = f"{place}/index"
        await must("-C", folder, "add", "--all", "--", ".", env=env, deadline=deadline)
        tree = await must("write-tree", env=env)
    last = (await run("log", "-1", "--format=%H %T", MAIN, "--", env=env)).out.decode().split()
    if tree not in last:
        parent = ("-p", last[0]) if last else ()
        commit = await must("commit-tree", *parent, "-m", "The folder as it is", tree, env=env)
        await must("update-ref", MAIN, commit, *last[:1], env=env)


async def _fetch(repository: Path, source: Source, deadline: float) -> None:
    """Mirror branches and tags. Snapshots pushed to us stay: the source's get a corner of their own."""
    config = {"remote.upstream.url": source.location, "http.lowSpeedLimit": "1", "http.lowSpeedTime": "20"}
    if source.kind is Kind.REPOSITORY:
        config["remote.upstream.uploadpack"] = "git -c 'safe.directory=*' upload-pack"
    env = environment(config, alone=False, GIT_DIR=str(repository))
    listed = await must("ls-remote", "--symref", "upstream", HEAD, env=env, deadline=deadline)
    lines = [line.split("\t") for line in listed.splitlines()]
    head = [value for value, name in lines if name == HEAD]
    refs = [*_REFS, f"+{HEAD}:refs/upstream/{HEAD}"] if head else _REFS
    options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head")
    await must("fetch", *options, "upstream", *refs, env=env, deadline=deadline)
    await _point_head(repository, head)


async def _point_head(repository: Path, head: Sequence[str]) -> None:
    """``head`` is what git lists of a HEAD: ``ref: refs/heads/x`` if it is on a branch, and its sha."""
    env = environment(GIT_DIR=str(repository))
    target = head[0].removeprefix("ref: ") if head else ""
    if target.startswith("refs/heads/"):
        await must("symbolic-ref", HEAD, target, env=env)
    elif SHA.fullmatch(target):
        await must("update-ref", "--no-deref", HEAD, target, env=env)
