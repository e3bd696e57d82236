"""Which waiting task goes to which node: a pure function, and the words that explain it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyrig.core.nodes import Node


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued task as placement sees it."""

    task: int
    kind: str
    user: str
    node: str | None = None
    """The one node it may go to; None: any node that has its labels."""
    labels: frozenset[str] = frozenset()
    lock_key: str | None = None
    priority: int = 1
    """0 first, 2 last."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What was decided about one task: the node it goes to, or for each node the reason why not."""

    task: int
    node: str | None
    reasons: dict[str, str]

    @property
    def reason(self) -> str:
        """One sentence that says why the task waits; empty when it was placed."""
        if self.node is not None:
            return ""
        if not self.reasons:
            return "There are no nodes."
        if len(self.reasons) == 1:
            return next(iter(self.reasons.values()))
        return "No node is free: " + " ".join(self.reasons.values())


def why_not(task: Waiting, node: Node, taken: Iterable[str] = ()) -> str | None:
    """The sentence that says why ``task`` cannot go to ``node`` now, or None when it can."""
    checks = (
        (node.online, f"Node {node.name} is offline."),
        (task.kind in node.kinds, f"Node {node.name} does not run tests of kind {task.kind}."),
        (task.labels <= node.labels, _lacks(task, node)),
        (node.trouble is None, f"Node {node.name}: {node.trouble}."),
        (node.reserved_by in {None, task.user}, f"Node {node.name} is reserved by @{node.reserved_by}."),
        (node.busy_with is None, f"Node {node.name} is running job {node.busy_with}."),
        (node.name not in taken, f"Node {node.name} was given to another job just now."),
    )
    return next((reason for fine, reason in checks if not fine), None)


def place(waiting: Sequence[Waiting], nodes: Sequence[Node], locks: Iterable[str] = ()) -> list[Placement]:
    """Give each task a node, or say why it waits.

    Tasks go by priority, then by number; of tasks with one lock key only the first may go, and none while
    the key is in ``locks`` (held by a live task). No node is given twice.
    """
    held, taken, decisions = set(locks), set[str](), []
    for task in sorted(waiting, key=lambda task: (task.priority, task.task)):
        decision = _decide(task, nodes, held, taken)
        if decision.node is not None:
            taken.add(decision.node)
        if task.lock_key is not None:
            held.add(task.lock_key)
        decisions.append(decision)
    return decisions


def _decide(task: Waiting, nodes: Sequence[Node], held: set[str], taken: set[str]) -> Placement:
    if task.lock_key in held:
        return Placement(task.task, None, {"": f"Waits for the earlier run of {task.lock_key}."})
    candidates = [node for node in nodes if task.node in {None, node.name}]
    if task.node is not None and not candidates:
        return Placement(task.task, None, {task.node: f"Node {task.node} is not known."})
    reasons: dict[str, str] = {}
    for node in candidates:
        reason = why_not(task, node, taken)
        if reason is None:
            return Placement(task.task, node.name, {})
        reasons[node.name] = reason
    return Placement(task.task, None, reasons)


def _lacks(task: Waiting, node: Node) -> str:
    return f"Node {node.name} lacks {', '.join(sorted(task.labels - node.labels))}."
