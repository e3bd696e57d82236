"""What the database keeps, as frozen values. Times are microseconds since the epoch, UTC."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from anyrig.core.jobs import ENDED, State
from anyrig.core.messages import Artifact, DeviceOffer
from anyrig.core.results import Counts, Verdict


@dataclass(frozen=True, slots=True)
class Project:
    """Groups tests; may own a test pack."""

    number: int
    name: str
    upstream: str | None
    """Where the test pack is mirrored from; None: hosted here, or none."""
    created: int


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as its owner may see it: without the secret."""

    id: str
    user: str
    role: str
    projects: tuple[str, ...] | None
    created: int
    expires: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """One request to run tests."""

    number: int
    uid: str
    project: str
    kind: str
    state: State
    user: str
    category: str
    tags: dict[str, str | None]
    revision: str
    branch: str | None
    sha: str
    tests: tuple[str, ...]
    remote_control: str
    forever: bool
    shuffle: bool
    params: dict[str, Any]
    retries: int
    created: int
    started: int | None
    ended: int | None
    counts: Counts
    stopped_by: str | None
    deleted: int | None = None
    """When the last of its results was removed."""

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Task:
    """The part of a job that goes to one node."""

    number: int
    job: int
    job_uid: str
    position: int
    state: State
    wanted_node: str | None
    """The one node it may run on; None: any that has the labels."""
    node: str | None
    reason: str
    """Why it waits, as a sentence; empty once it is placed."""
    attempt: int
    holder: str | None
    placed: int | None
    started: int | None
    ended: int | None
    running_seq: int | None
    running_test: str | None
    running_since: int | None
    running_offset: int | None
    log_sha256: str | None
    log_size: int | None


class Result(NamedTuple):
    """One test executed once, as lists show it; a tuple, for a list makes hundreds: a quarter of the time."""

    number: int
    result_id: str
    job_uid: str
    project: str
    node: str
    user: str
    category: str
    testcase: str
    verdict: Verdict
    failure_reason: str | None
    start: int
    end: int
    sha: str
    branch: str | None
    tags: dict[str, str | None]
    deleted: int | None
    pinned: bool = False
    """It is not removed, however old it gets."""

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1e6


@dataclass(frozen=True, slots=True)
class ResultDetail:
    """A result with everything it left."""

    result: Result
    traceback: str | None
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node as its page shows it."""

    name: str
    agent: str
    kinds: frozenset[str]
    labels: frozenset[str]
    seen: int | None
    boot_id: str | None
    version: str | None
    local_ip: str | None
    external_ip: str | None
    trouble: str | None
    device: DeviceOffer | None
    last_used_by: str | None
    last_used: int | None
