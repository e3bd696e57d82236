"""Names on the bus: subjects, streams and consumers, and who a subject speaks of.

Node, agent and verb names are plain (``core.ids.checked_name``), so they stand in a subject unescaped.
"""

from anyrig.core.errors import Invalid

JOBS = "JOBS"
EVENTS = "EVT"
LOG = "LOG"
PRESENCE = "KV_presence"
INGEST = "ingest"
"""The one durable consumer of EVENTS, shared by all servers."""
SERVERS = "cp"
"""The queue group in which one of all servers answers."""
SERVER_INBOX = "_SERVER"
"""Where answers to a server arrive: outside of what any agent may read."""


def inbox(agent: str) -> str:
    """Where answers to an agent arrive; no other agent may read there."""
    return f"_INBOX.{agent}"


def job(node: str) -> str:
    return f"jobs.node.{node}"


def event(node: str, task: int) -> str:
    return f"evt.{node}.{task}"


def log(node: str, task: int, attempt: int) -> str:
    return f"log.{node}.{task}.{attempt}"


def presence(node: str) -> str:
    return f"$KV.presence.{node}"


def rpc(node: str, verb: str) -> str:
    """Where a server asks a node, such as ``node.tv1.rpc.stop``."""
    return f"node.{node}.rpc.{verb}"


def control(verb: str, node: str) -> str:
    """Where a node asks the servers, such as ``cp.accept.tv1``.

    The node stands in the subject because NATS checks subjects: nobody can ask in another node's name.
    """
    return f"cp.{verb}.{node}"


def ui(topic: str) -> str:
    """Where servers tell open pages what has changed; ``topic`` may have dots."""
    return f"ui.{topic}"


def control_node(subject: str) -> str:
    """The node that asks: ``cp.accept.tv1`` -> ``tv1``. Raises Invalid."""
    return _fields(subject, "cp", 3)[2]


def event_source(subject: str) -> tuple[str, int]:
    """``evt.tv1.7`` -> ``("tv1", 7)``. Raises Invalid."""
    _, node, task = _fields(subject, "evt", 3)
    return node, _number(subject, task)


def log_source(subject: str) -> tuple[str, int, int]:
    """Node, task and attempt: ``log.tv1.7.1`` -> ``("tv1", 7, 1)``. Raises Invalid."""
    _, node, task, attempt = _fields(subject, "log", 4)
    return node, _number(subject, task), _number(subject, attempt)


def presence_node(subject: str) -> str:
    """``$KV.presence.tv1`` -> ``tv1``. Raises Invalid."""
    return _fields(subject, "$KV", 3)[2]


def _fields(subject: str, first: str, count: int) -> list[str]:
    fields = subject.split(".")
    if len(fields) != count or fields[0] != first or not all(fields):
        raise Invalid(reason=f"'{subject}' is not a subject of this kind")
    return fields


def _number(subject: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Invalid(reason=f"'{subject}' does not end in numbers")
    return int(text)
