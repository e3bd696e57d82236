"""Which waiting task goes to which node."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.nodes import Node
from anyrig.core.placement import Waiting, place, why_not

NAMES = st.sampled_from(["tv1", "tv2", "tv3", "tv4"])
LABELS = st.frozensets(st.sampled_from(["london", "hdmi", "4k"]))


def a_node(name: str = "tv1", **fields: Any) -> Node:
    values: dict[str, Any] = {
        "name": name,
        "online": True,
        "kinds": frozenset({"python"}),
        "labels": frozenset(),
    }
    return Node(**values | fields)


nodes = st.lists(
    st.builds(
        a_node,
        NAMES,
        online=st.booleans(),
        labels=LABELS,
        busy_with=st.sampled_from([None, None, "/tv1/0000/1"]),
        reserved_by=st.sampled_from([None, None, "ada"]),
        trouble=st.sampled_from([None, None, "no video from /dev/video0"]),
    ),
    unique_by=lambda node: node.name,
)
tasks = st.lists(
    st.builds(
        Waiting,
        task=st.integers(1, 50),
        kind=st.just("python"),
        user=st.sampled_from(["ada", "bob"]),
        node=st.none() | NAMES,
        labels=LABELS,
        lock_key=st.none() | st.sampled_from(["app1", "app2"]),
        priority=st.integers(0, 2),
    ),
    unique_by=lambda task: task.task,
)


@given(tasks, nodes)
def test_no_node_gets_two_tasks_and_each_gets_only_what_it_can_run(
    tasks: list[Waiting], nodes: list[Node]
) -> None:
    by_name = {node.name: node for node in nodes}
    by_task = {task.task: task for task in tasks}
    placed = [decision for decision in place(tasks, nodes) if decision.node is not None]
    assert len({decision.node for decision in placed}) == len(placed)
    for decision in placed:
        assert decision.node is not None
        assert why_not(by_task[decision.task], by_name[decision.node]) is None


@given(tasks, nodes)
def test_every_task_is_decided_once_and_every_wait_is_explained(
    tasks: list[Waiting], nodes: list[Node]
) -> None:
    decisions = place(tasks, nodes)
    assert sorted(decision.task for decision in decisions) == sorted(task.task for task in tasks)
    for decision in decisions:
        assert (decision.reason == "") == (decision.node is not None)


@given(tasks, nodes)
def test_of_tasks_with_one_lock_key_at_most_one_is_placed(tasks: list[Waiting], nodes: list[Node]) -> None:
    keys = {task.task: task.lock_key for task in tasks}
    placed = [
        keys[decision.task] for decision in place(tasks, nodes) if decision.node and keys[decision.task]
    ]
    assert len(placed) == len(set(placed))


@given(tasks, nodes)
def test_no_node_stays_idle_that_a_waiting_task_could_use(tasks: list[Waiting], nodes: list[Node]) -> None:
    decisions = place(tasks, nodes)
    taken = {decision.node for decision in decisions}
    waiting = {decision.task for decision in decisions if decision.node is None}
    for task in tasks:
        if task.task in waiting and task.lock_key is None:
            fitting = [n for n in nodes if task.node in {None, n.name} and why_not(task, n) is None]
            assert all(node.name in taken for node in fitting)


def test_an_urgent_task_goes_before_an_older_one() -> None:
    older = Waiting(1, "python", "ada", priority=1)
    urgent = Waiting(2, "python", "ada", priority=0)
    first, second = place([older, urgent], [a_node()])
    assert (first.task, first.node) == (2, "tv1")
    assert second.reason == "Node tv1 was given to another job just now."


def test_tasks_of_one_lock_key_go_in_order() -> None:
    first, second = place(
        [Waiting(7, "python", "ada", lock_key="app"), Waiting(8, "python", "ada", lock_key="app")],
        [a_node("tv1"), a_node("tv2")],
    )
    assert (first.task, first.node) == (7, "tv1")
    assert second.reason == "Waits for the earlier run of app."


def test_a_held_lock_keeps_its_tasks_waiting() -> None:
    (decision,) = place([Waiting(7, "python", "ada", lock_key="app")], [a_node()], locks=["app"])
    assert decision.node is None


def test_each_refusal_says_why_in_a_sentence() -> None:
    task = Waiting(1, "python", "bob", labels=frozenset({"4k"}))
    reasons = [
        why_not(task, node)
        for node in (
            a_node(online=False),
            a_node(kinds=frozenset({"command"})),
            a_node(),
            a_node(labels=frozenset({"4k"}), trouble="no video from /dev/video0"),
            a_node(labels=frozenset({"4k"}), reserved_by="ada"),
            a_node(labels=frozenset({"4k"}), busy_with="/tv1/0000/3"),
        )
    ]
    assert reasons == [
        "Node tv1 is offline.",
        "Node tv1 does not run tests of kind python.",
        "Node tv1 lacks 4k.",
        "Node tv1: no video from /dev/video0.",
        "Node tv1 is reserved by @ada.",
        "Node tv1 is running job /tv1/0000/3.",
    ]


def test_the_owner_of_a_reservation_may_use_the_node() -> None:
    assert why_not(Waiting(1, "python", "ada"), a_node(reserved_by="ada")) is None


def test_an_unknown_node_and_an_empty_lab_are_told_apart() -> None:
    assert place([Waiting(1, "python", "ada", node="tv9")], [a_node()])[0].reason == "Node tv9 is not known."
    assert place([Waiting(1, "python", "ada")], [])[0].reason == "There are no nodes."
    both = place([Waiting(1, "python", "ada")], [a_node(online=False), a_node("tv2", online=False)])[0].reason
    assert both == "No node is free: Node tv1 is offline. Node tv2 is offline."
