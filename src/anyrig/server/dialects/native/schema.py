"""What goes over the wire: each a JSON object, and a schema of the OpenAPI document. Times are UTC."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from anyrig.server.dialects.native.schema_base import Answer, Body
from anyrig.server.dialects.native.schema_builds import (
    Build,
    BuildRecord,
    BuildRecords,
    Builds,
    NewBuild,
)
from anyrig.server.dialects.native.schema_nodes import (
    Interruption,
    KeyPress,
    MoreTime,
    NewReservation,
    Node,
    Nodes,
    Reservation,
    Reservations,
)
from anyrig.server.dialects.native.schema_retention import GoingResult, Retention

TagValue = str | int | float | bool | None


class NewJob(Body, frozen=True):
    """A request to run tests."""

    tests: Annotated[
        tuple[str, ...],
        Meta(
            description="Names, files, folders or patterns with `*`; `command:unit` names the kind, too.",
            examples=[["tests/menu.py::test_that_menu_opens"], ["command:unit"], ["build:docs"]],
        ),
    ]
    project: Annotated[str | None, Meta(description="Else the first that the token opens.")] = None
    kind: Annotated[
        str | None, Meta(description="Else the tests' names say it; a name without a kind is `python`.")
    ] = None
    revision: Annotated[str, Meta(description="A branch, a tag or a commit of the test pack.")] = "HEAD"
    node: Annotated[str | None, Meta(description="The one node to run on.")] = None
    labels: Annotated[tuple[str, ...], Meta(description="Run on any node that has all of these.")] = ()
    category: str = "default"
    tags: dict[str, TagValue] = field(default_factory=dict)
    remote_control: str = ""
    forever: Annotated[bool, Meta(description="Soak: again and again until somebody stops it.")] = False
    shuffle: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    retries: Annotated[int, Meta(description="How often to run again what a lost node was at.")] = 0
    queue: Annotated[bool, Meta(description="Wait for a free node, or else be refused.")] = True
    priority: Annotated[int, Meta(description="0 goes first, 2 last.")] = 1


class NewProject(Body, frozen=True):
    """A project to create."""

    name: str
    source: Annotated[
        str | None,
        Meta(description="What its test pack follows: a git URL, or a path on the server; else push to it."),
    ] = None


class NewToken(Body, frozen=True):
    """An access token to create."""

    user: str
    role: Annotated[str, Meta(description="`viewer`, `operator` or `admin`.")]
    projects: Annotated[tuple[str, ...] | None, Meta(description="The only ones it opens.")] = None
    expires: Annotated[datetime, Meta(tz=True)] | None = None


class Counts(Answer, frozen=True, rename={"passed": "pass"}):
    """Results by verdict; `total` counts what is still to come, too."""

    passed: int
    fail: int
    error: int
    total: int


class Job(Answer, frozen=True):
    """One request to run tests."""

    number: int
    uid: str
    page: Annotated[str, Meta(description="Its results in the portal, for people.")]
    project: str
    kind: str
    state: Annotated[
        str,
        Meta(description="`queued`, `placed`, `running`, `stopping`; then `finished`, `stopped`, `lost`."),
    ]
    over: bool
    verdict: Annotated[str | None, Meta(description="Of all its results together, once it is over.")]
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
    created: datetime
    started: datetime | None
    ended: datetime | None
    counts: Counts
    stopped_by: str | None


class Jobs(Answer, frozen=True):
    """Some jobs, the newest first."""

    jobs: tuple[Job, ...]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page.")]


class Running(Answer, frozen=True):
    """The test that a task is at."""

    test: str
    since: datetime


class Task(Answer, frozen=True):
    """The part of a job that goes to one node."""

    position: int
    state: str
    node: str | None
    wanted_node: str | None
    reason: Annotated[str, Meta(description="Why it waits; empty once it is placed.")]
    attempt: int
    placed: datetime | None
    started: datetime | None
    ended: datetime | None
    running: Running | None


class Tasks(Answer, frozen=True):
    """A job's tasks."""

    tasks: tuple[Task, ...]


class Result(Answer, frozen=True):
    """One test executed once."""

    result_id: str
    job: int
    job_uid: str
    project: str
    node: str
    user: str
    category: str
    test: str
    verdict: Annotated[
        str, Meta(description="`pass`; `fail`: the product is wrong; `error`: the test could not tell.")
    ]
    reason: str | None
    start: datetime
    end: datetime
    seconds: float
    sha: str
    branch: str | None
    tags: dict[str, str | None]
    pinned: Annotated[bool, Meta(description="It is not removed, however old it gets.")]


class Results(Answer, frozen=True):
    """Some results."""

    results: tuple[Result, ...]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page.")]


class Artifact(Answer, frozen=True):
    """A file that a test left."""

    name: str
    size: int
    md5: str
    sha256: str
    url: str


class Artifacts(Answer, frozen=True):
    """What a result left."""

    artifacts: tuple[Artifact, ...]


class ResultDetail(Result, frozen=True):
    """A result with everything it left."""

    traceback: str | None
    artifacts: tuple[Artifact, ...]


class Project(Answer, frozen=True):
    """Groups tests."""

    name: str
    source: Annotated[str | None, Meta(description="What its test pack follows, without passwords.")]
    git_url: Annotated[str, Meta(description="Where to clone the test pack from, and push to.")]
    created: datetime


class Projects(Answer, frozen=True):
    """All projects that the token opens."""

    projects: tuple[Project, ...]


class Test(Answer, frozen=True):
    """A test that can be run."""

    name: Annotated[str, Meta(description="As `tests` of a new job takes it.")]
    kind: str


class Tests(Answer, frozen=True):
    """The tests of a test pack at a revision."""

    sha: str
    branch: str | None
    tests: tuple[Test, ...]
    troubles: Annotated[tuple[str, ...], Meta(description="Why some may be missing.")]


class Token(Answer, frozen=True):
    """An access token, without its secret."""

    id: str
    user: str
    role: str
    projects: tuple[str, ...] | None
    created: datetime
    expires: datetime | None


class CreatedToken(Token, frozen=True):
    """A new access token."""

    token: Annotated[str, Meta(description="What clients send. Shown this once.")]


class Tokens(Answer, frozen=True):
    """All access tokens, the oldest first."""

    tokens: tuple[Token, ...]


class User(Answer, frozen=True):
    """Who holds the token."""

    user: str
    role: str
    projects: tuple[str, ...] | None


class Problem(Answer, frozen=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Meta(description="A sentence for people.")]
    code: Annotated[str, Meta(description="A stable name for programs.")]
    nodes: Annotated[
        dict[str, str] | UnsetType, Meta(description="Why each of these nodes cannot be reserved.")
    ] = UNSET


DOCUMENTED = (
    *(NewJob, NewProject, NewToken, KeyPress, NewReservation, MoreTime, Interruption),
    *(Job, Jobs, Task, Tasks, Result, Results, ResultDetail, Artifact, Artifacts),
    *(Reservation, Reservations, Node, Nodes, Project, Projects, Test, Tests),
    *(NewBuild, Build, Builds, BuildRecord, BuildRecords),
    *(Retention, GoingResult),
    *(Token, CreatedToken, Tokens, User, Problem),
)
"""The schemas of the OpenAPI document."""
