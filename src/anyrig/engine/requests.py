"""From what a client asks for, in names, to what the engine runs: everything in it checked and pinned."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anyrig.core.build_spec import Source
from anyrig.core.errors import BadField, KeyReused, NotFound
from anyrig.core.ids import checked_name
from anyrig.core.records import Job
from anyrig.core.selection import selected
from anyrig.core.tags import checked_category, checked_tags
from anyrig.core.tests import Kind
from anyrig.core.users import Principal, Role
from anyrig.engine import build_runs, builds
from anyrig.engine.lab import Lab
from anyrig.engine.pack_tests import project_name
from anyrig.engine.projects import names_of_kind
from anyrig.engine.submit import Submission, submit
from anyrig.storage.sql import idempotency

MOST_TESTS = 10_000
LOWEST_PRIORITY = 2
MOST_RETRIES = 10
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; nothing in it is checked yet."""

    tests: tuple[str, ...]
    """Names, files, folders or patterns, as ``core.selection`` reads them."""
    project: str | None = None
    """None: the default project."""
    kind: str = Kind.PYTHON
    revision: str = "HEAD"
    """A branch, a tag, a commit, or HEAD."""
    node: str | None = None
    labels: tuple[str, ...] = ()
    category: str = "default"
    tags: Mapping[str, object] = field(default_factory=dict)
    remote_control: str = ""
    forever: bool = False
    shuffle: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    queue: bool = True
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Key:
    """A client's own key of a request, made so that one prefix holds all bodies that were sent with it."""

    prefix: str
    whole: str


def key_of(who: Principal, key: str, body: bytes) -> Key:
    """Keys of one user do not meet those of another.

    Raises:
        BadField: The key is not 1 to 255 characters long.
    """
    if not 0 < len(key) <= _LONGEST_KEY:
        raise BadField(field="Idempotency-Key", reason=f"it is not 1 to {_LONGEST_KEY} characters long")
    prefix = hashlib.sha256(f"{who.user}\0{key}".encode()).hexdigest()[:40]
    return Key(prefix, f"{prefix}.{hashlib.sha256(body).hexdigest()[:40]}")


async def run(lab: Lab, who: Principal, wanted: Request, key: Key | None = None) -> Job:
    """Check and submit; a request that was made before with the same key gives the job it gave then.

    Raises:
        KeyReused: The key came before with another body.
        BadField, NotFound, RevisionNotFound, PackUnavailable, Forbidden: As ``submission``.
        NodeBusy, NodeOffline, NodeReserved, NodeTroubled: As ``submit``.
    """
    known = await _made_before(lab, key)
    if known is not None:
        return known
    if wanted.kind == Kind.BUILD:
        return await _run_build(lab, who, wanted, key)
    return await submit(lab, who, await submission(lab, who, wanted, key))


async def _run_build(lab: Lab, who: Principal, wanted: Request, key: Key | None) -> Job:
    """Builds are not in test packs: their listen points are their names."""
    if len(wanted.tests) != 1:
        raise BadField(field="tests", reason="one job is one run of one build")
    for name in ("node", "labels", "remote_control", "forever", "shuffle", "retries"):
        if getattr(wanted, name):
            raise BadField(field=name, reason="a build says for itself where and how it runs")
    build = await builds.find(lab, who, wanted.tests[0])
    if wanted.project not in {None, build.project}:
        raise NotFound(what="build", name=build.listen_point)
    run = build_runs.Wanted(
        source=Source.TRIGGER,
        params=_params(wanted.params),
        category=checked_category(wanted.category),
        tags=checked_tags(wanted.tags),
        idempotency=key.whole if key else None,
    )
    return await build_runs.trigger(lab, who, build, run)


def _params(given: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Texts, and lists of texts."""
    params: dict[str, str | list[str]] = {}
    for name, value in given.items():
        if isinstance(value, list):
            params[name] = [_param(name, each) for each in value]
        else:
            params[name] = _param(name, value)
    return params


def _param(name: str, value: object) -> str:
    if value is None or isinstance(value, dict | list):
        raise BadField(field="params", reason=f"{name} is neither a text nor a list of texts")
    return value if isinstance(value, str) else json.dumps(value)


async def _made_before(lab: Lab, key: Key | None) -> Job | None:
    if key is None:
        return None
    found = await lab.db.read(lambda c: idempotency.by_prefix(c, key.prefix))
    if found is not None and found[0] != key.whole:
        raise KeyReused
    return found[1] if found else None


async def submission(lab: Lab, who: Principal, wanted: Request, key: Key | None = None) -> Submission:
    """The request with its revision pinned to a commit and its tests by their names.

    Raises:
        Forbidden: The user may not run tests, or not in this project.
        NotFound: There is no such project, or it has no test pack.
        RevisionNotFound, PackUnavailable: The revision is not there, or cannot be looked up.
        BadField: Anything else that makes no sense; the message says what.
    """
    who.require(Role.OPERATOR, "run tests", wanted.project)
    kind = _checked(wanted)
    category, tags = checked_category(wanted.category), checked_tags(wanted.tags)
    project = await project_name(lab, who, wanted.project)
    found = await lab.packs.resolve(project, wanted.revision)
    return Submission(
        project=project,
        kind=kind,
        tests=_some(selected(wanted.tests, await names_of_kind(lab, project, kind, found.sha))),
        revision=wanted.revision,
        sha=found.sha,
        branch=found.branch,
        category=category,
        tags=tags,
        node=wanted.node,
        labels=wanted.labels,
        remote_control=wanted.remote_control,
        forever=wanted.forever,
        shuffle=wanted.shuffle,
        params=dict(wanted.params),
        retries=wanted.retries,
        queue=wanted.queue,
        priority=wanted.priority,
        idempotency=key.whole if key else None,
    )


def _some(tests: tuple[str, ...]) -> tuple[str, ...]:
    if len(tests) > MOST_TESTS:
        raise BadField(
            field="tests", reason=f"{len(tests)} are too many for one job; {MOST_TESTS} are allowed"
        )
    return tests


def _checked(wanted: Request) -> Kind:
    if wanted.kind not in set(Kind):
        raise BadField(field="kind", reason=f"{wanted.kind!r} is not one of {', '.join(Kind)}")
    if wanted.node is not None:
        checked_name("node", wanted.node)
    if wanted.node is not None and wanted.labels:
        raise BadField(field="labels", reason="a node is named already; give one or the other")
    _within("priority", wanted.priority, LOWEST_PRIORITY)
    _within("retries", wanted.retries, MOST_RETRIES)
    return Kind(wanted.kind)


def _within(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise BadField(field=name, reason=f"{value} is not a number from 0 to {most}")
