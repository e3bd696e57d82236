"""The life of a task, and of the job it belongs to: one table.

A job has no life of its own: its state is read off its tasks by ``job_state``.
"""

from collections.abc import Collection
from enum import StrEnum

from anyrig.core.errors import Conflict


class State(StrEnum):
    """Where a task, or a job, stands."""

    QUEUED = "queued"
    """Waits for a node."""
    PLACED = "placed"
    """Has the lease of a node, which has not answered yet."""
    RUNNING = "running"
    """Accepted by its node."""
    STOPPING = "stopping"
    """Asked to stop; its processes may still live."""
    FINISHED = "finished"
    """Ran to its end."""
    STOPPED = "stopped"
    """Ended because somebody asked."""
    LOST = "lost"
    """Its node fell silent, or was restarted."""


class Event(StrEnum):
    """What can happen to a task."""

    PLACE = "place"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"
    """The node did not answer in time, or was lost and the job asked for another try."""
    STOP = "stop"
    FINISH = "finish"
    LOSE = "lose"


TABLE: dict[tuple[State, Event], State] = {
    (State.QUEUED, Event.PLACE): State.PLACED,
    (State.QUEUED, Event.STOP): State.STOPPED,
    (State.PLACED, Event.ACCEPT): State.RUNNING,
    (State.PLACED, Event.WITHDRAW): State.QUEUED,
    (State.PLACED, Event.STOP): State.STOPPED,
    (State.PLACED, Event.LOSE): State.LOST,
    (State.RUNNING, Event.ACCEPT): State.RUNNING,
    (State.RUNNING, Event.WITHDRAW): State.QUEUED,
    (State.RUNNING, Event.STOP): State.STOPPING,
    (State.RUNNING, Event.FINISH): State.FINISHED,
    (State.RUNNING, Event.LOSE): State.LOST,
    (State.STOPPING, Event.ACCEPT): State.STOPPING,
    (State.STOPPING, Event.STOP): State.STOPPING,
    (State.STOPPING, Event.FINISH): State.STOPPED,
    (State.STOPPING, Event.LOSE): State.LOST,
}
"""Every other pair is refused. The end states have no row, so nothing leads out of them."""

HOLDS_NODE = frozenset({State.PLACED, State.RUNNING, State.STOPPING})
"""The states in which a task holds the lease of its node, and its lock key."""
ENDED = frozenset({State.FINISHED, State.STOPPED, State.LOST})
_MOST_ALIVE_FIRST = (State.STOPPING, State.RUNNING, State.PLACED, State.QUEUED)


class NotPossible(Conflict):
    """A {state} task cannot {event}."""

    code = "not_possible"


def after(state: State, event: Event) -> State:
    """The state that ``event`` leads to.

    Raises:
        NotPossible: The table has no such row.
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise NotPossible(state=state, event=event) from None


def can(state: State, event: Event) -> bool:
    return (state, event) in TABLE


def sources(event: Event) -> tuple[State, ...]:
    """The states in which ``event`` can happen: for the WHERE of a compare-and-set."""
    return tuple(state for state, possible in TABLE if possible is event)


def job_state(tasks: Collection[State]) -> State:
    """The state of the job whose tasks stand like this.

    While a task lives, the liveliest state; a job with ended and waiting tasks is running. Afterwards:
    stopped if a task was stopped, lost if all were lost, else finished.
    """
    live = [state for state in _MOST_ALIVE_FIRST if state in tasks]
    if live:
        begun = any(state in ENDED for state in tasks)
        return State.RUNNING if begun and live[0] in {State.QUEUED, State.PLACED} else live[0]
    if State.STOPPED in tasks:
        return State.STOPPED
    return State.LOST if set(tasks) == {State.LOST} else State.FINISHED


def as_mermaid() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    edges: dict[tuple[State, State], list[str]] = {}
    for (state, event), target in TABLE.items():
        edges.setdefault((state, target), []).append(event)
    lines = ["stateDiagram-v2", f"    [*] --> {State.QUEUED}"]
    lines += [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in edges.items()]
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    return "\n".join(lines)
