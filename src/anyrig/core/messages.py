"""What server and agent say to each other over the bus: frozen values, encoded by ``bus.codec``.

Times are microseconds since the epoch, UTC, by the server's clock. A ``seq`` counts the results of one task
from 0 and goes on over attempts, so that one test of a task has one number for ever.
"""

from dataclasses import dataclass, field
from typing import Any

from anyrig.core.build_records import Channel, Level
from anyrig.core.devices import Remote
from anyrig.core.results import Verdict


@dataclass(frozen=True, slots=True)
class DeviceOffer:
    """What stands at a node: how it is seen, and how keys get there."""

    kind: str
    control: str | None
    """None: nothing presses keys."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class NodeOffer:
    """A node that an agent enrols."""

    name: str
    kinds: tuple[str, ...]
    labels: tuple[str, ...] = ()
    device: DeviceOffer | None = None


@dataclass(frozen=True, slots=True)
class Enrol:
    """agent -> server over HTTP, before each connect to the bus: these are my nodes."""

    nodes: tuple[NodeOffer, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """server -> agent: where the bus is."""

    bus_url: str
    """``nats://host:port``; empty: through the server's own port, by a WebSocket at ``/nats``."""
    presence_seconds: float
    """How often each node has to say that it is there."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """server -> agent, ``jobs.node.<node>``: there is work for you, ask for it."""

    task: int
    not_after: int
    """An agent that reads it later drops it; the server sends it again if it still stands."""


@dataclass(frozen=True, slots=True)
class AcceptRequest:
    """agent -> server, ``cp.accept.<node>``: may this node run this task?"""

    task: int
    node: str
    boot_id: str
    """Names one start of the agent: who holds the lease."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """All an executor has to know to run a task."""

    task: int
    job_uid: str
    task_index: int
    """Which of its job's tasks this is; 0 for the first."""
    node: str
    kind: str
    project: str
    user: str
    pack_url: str
    """Path on the server, such as ``/git/tv.git``; empty when the kind needs no test pack."""
    sha: str
    tests: tuple[str, ...]
    done: int
    """How many results of this task are already committed (by an earlier attempt): go on after these."""
    forever: bool
    shuffle: bool
    category: str
    remote_control: str
    tags: dict[str, str | None]
    params: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Decrypted, for this task alone: never to be kept, logged, or sent on."""
    trouble: str = ""
    """Why no test of it can run, known before it began."""


@dataclass(frozen=True, slots=True)
class AcceptReply:
    """server -> agent: the answer to an AcceptRequest."""

    go: bool
    why: str = ""
    attempt: int = 0
    """The fencing token of every later message about this task."""
    now: int = 0
    """The server's clock; the agent adds what its monotonic clock says has passed since."""
    spec: TaskSpec | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a test left, already uploaded."""

    name: str
    """Relative path with ``/``."""
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStarted:
    """A test has started; its log lines begin at byte ``log_offset`` of the task's log."""

    seq: int
    test: str
    at: int
    log_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinished:
    """A test has ended and everything it left is uploaded."""

    seq: int
    test: str
    start: int
    end: int
    verdict: Verdict
    reason: str | None
    traceback: str | None
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinished:
    """The task is over on the node: no process of it is left."""

    results: int
    """How many results the task has in all; the server ends the task when it has them."""
    stopped: bool = False
    """True when a stop request cut it short."""
    lost: str = ""
    """Why it could not go on, such as "The agent was restarted."; the server decides about another try."""
    log: Artifact | None = None
    """The task's whole log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A build says something: the record number ``number`` of this attempt, counted from 0."""

    number: int
    at: int
    channel: Channel
    level: Level
    message: str


Event = CaseStarted | CaseFinished | TaskFinished | Noted


@dataclass(frozen=True, slots=True)
class EventBatch:
    """agent -> server, ``evt.<node>.<task>``: what happened, in order."""

    task: int
    attempt: int
    node: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """agent -> ``$KV.presence.<node>``, every ten seconds: I am here."""

    boot_id: str
    version: str
    agent: str
    local_ip: str
    tasks: tuple[tuple[int, int], ...] = ()
    """The (task, attempt) pairs this node still works on, or holds unsent results of."""
    trouble: str | None = None
    """Why no test can run there, such as "no video from /dev/video0"."""


@dataclass(frozen=True, slots=True)
class Hello:
    """agent -> server, ``cp.hello.<node>``, after each connect: what this node still holds."""

    node: str
    boot_id: str
    tasks: tuple[tuple[int, int], ...] = ()
    """(task, attempt) pairs that run, or whose end was not delivered yet."""


@dataclass(frozen=True, slots=True)
class HelloReply:
    """server -> agent: what to do about them."""

    drop: tuple[int, ...] = ()
    """Not yours any more: kill what runs, forget the journal, send nothing."""
    stop: tuple[int, ...] = ()
    """Somebody asked to stop these while you were away."""


@dataclass(frozen=True, slots=True)
class StopRequest:
    """server -> agent, ``node.<node>.rpc.stop``: end this task."""

    task: int
    attempt: int
    reason: str = "Stopped."
    """A sentence for the result of the test that is cut short."""
    grace: float = 5.0
    """Seconds between asking the processes to end and killing them."""
    forget: bool = False
    """True: the task is not this node's any more; send nothing of it."""


@dataclass(frozen=True, slots=True)
class StopReply:
    """The answer once no process is left and the last event is on its way."""

    stopped: bool


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """server -> agent, ``node.<node>.rpc.picture``: what is on the screen now?"""

    format: str
    """``png`` or ``jpeg``."""
    width: int | None = None
    """Pixels; None: as it is."""
    taken: int | None = None
    """The picture of which more is wanted; None: a new one."""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class PictureReply:
    """The answer; on the bus, the bytes of the picture from ``offset`` on stand behind this and a newline."""

    taken: int
    """When, in microseconds since the epoch."""
    size: int
    """Bytes of the whole picture."""


@dataclass(frozen=True, slots=True)
class PressRequest:
    """server -> agent, ``node.<node>.rpc.press``: press a key."""

    key: str
    hold: float | None = None
    """Seconds; None: a short press."""
    remote: Remote | None = None
    """Which remote control it is a key of; None: the one that was used last."""
