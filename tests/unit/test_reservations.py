"""What may become of a reservation, and who may do it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core import reservations as rules
from anyrig.core.errors import BadField, NodeReserved, NotYourReservation, ReservationOver
from anyrig.core.nodes import Node
from anyrig.core.reservations import LONGEST, OF_OWNER, TABLE, Act, Reservation, State

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000
HELD = Reservation(6, "tv1", "ada", "Overnight soak", NOW, NOW + HOUR)
OVER = [
    rules.ended(HELD, "ada", NOW + 1),
    rules.interrupted(HELD, "bob", "Release day", NOW + 1),
    rules.as_of(HELD, NOW + HOUR),
]
TIMES = st.integers(0, 3 * HOUR).map(lambda after: NOW + after)
USERS = st.sampled_from(["ada", "bob"])


def a_node(**fields: Any) -> Node:
    values: dict[str, Any] = {"name": "tv1", "online": True, "kinds": frozenset(), "labels": frozenset()}
    return Node(**values | fields)


def test_a_reservation_holds_until_the_moment_it_expires() -> None:
    assert rules.as_of(HELD, NOW + HOUR - 1) == HELD
    over = rules.as_of(HELD, NOW + 2 * HOUR)
    assert (over.state, over.ended, over.ended_by) == (State.EXPIRED, NOW + HOUR, None)


def test_one_without_an_end_never_expires() -> None:
    endless = replace(HELD, expires=None)
    assert rules.as_of(endless, NOW + 10**18) == endless
    assert rules.extended(endless, "ada", 60, NOW) == endless


def test_extending_adds_to_what_is_left() -> None:
    assert rules.extended(HELD, "ada", 600, NOW + 5).expires == NOW + HOUR + 600_000_000


def test_ending_and_interrupting_are_written_down_with_their_author() -> None:
    ended, interrupted, _ = OVER
    assert (ended.state, ended.ended, ended.ended_by, ended.reason) == (State.ENDED, NOW + 1, "ada", None)
    assert (interrupted.state, interrupted.ended_by, interrupted.reason) == (
        State.INTERRUPTED,
        "bob",
        "Release day",
    )


@pytest.mark.parametrize("over", OVER, ids=lambda over: str(over.state))
def test_what_is_over_stays_as_it_is(over: Reservation) -> None:
    assert rules.ended(over, "ada", NOW + 9) == over
    assert rules.interrupted(over, "bob", "Again", NOW + 9) == over
    assert rules.as_of(over, NOW + 10 * HOUR) == over
    with pytest.raises(ReservationOver, match="Reservation 6 of node tv1 is over"):
        rules.extended(over, "ada", 60, NOW + 9)


def test_nobody_but_the_owner_extends_or_ends_it() -> None:
    with pytest.raises(NotYourReservation, match="was made by @ada: nobody else can extend it"):
        rules.extended(HELD, "bob", 60, NOW)
    with pytest.raises(NotYourReservation, match="nobody else can end it"):
        rules.ended(OVER[1], "bob", NOW)


@pytest.mark.parametrize("reason", ["", " \n", "x" * 10_001, "\0", "\ud800"])
def test_an_interruption_needs_a_reason_that_can_be_read(reason: str) -> None:
    with pytest.raises(BadField, match="message"):
        rules.interrupted(HELD, "bob", reason, NOW)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1, LONGEST])
def test_an_extension_is_a_time_within_reason(seconds: int) -> None:
    with pytest.raises(BadField, match="seconds"):
        rules.extended(HELD, "ada", seconds, NOW)


def test_a_request_names_each_node_once() -> None:
    assert rules.checked_nodes(["tv1", "tv2"]) == ("tv1", "tv2")
    for names in ([], ["tv1", "tv1"], [f"tv{number}" for number in range(1001)]):
        with pytest.raises(BadField, match="nodes"):
            rules.checked_nodes(names)


def test_each_reason_against_a_reservation_is_a_sentence_and_being_reserved_comes_first() -> None:
    nodes = [
        a_node(),
        a_node(reserved_by="ada", online=False),
        a_node(online=False, busy_with="/tv1/0000/3"),
        a_node(trouble="no video from /dev/video0"),
        a_node(busy_with="/tv1/0000/3"),
    ]
    assert [rules.why_not(node) for node in nodes] == [
        None,
        "Node tv1 reserved by @ada",
        "Node tv1 is offline.",
        "Node tv1: no video from /dev/video0.",
        "Node tv1 is running job /tv1/0000/3.",
    ]


def test_only_the_nodes_in_the_way_are_named() -> None:
    assert rules.refusals([a_node(), a_node(name="tv2", online=False)]) == {"tv2": "Node tv2 is offline."}


def test_a_reserved_node_is_for_its_owner() -> None:
    rules.require_use(None, "bob")
    rules.require_use(HELD, "ada")
    with pytest.raises(NodeReserved, match="Node tv1 is reserved by @ada"):
        rules.require_use(HELD, "bob")


def test_nothing_leads_out_of_the_states_in_which_it_is_over() -> None:
    assert {state for (state, _), after in TABLE.items() if state is not after} == {State.HELD}
    assert {act for state, act in TABLE if state is State.HELD} == set(Act)


@given(st.lists(st.tuples(st.sampled_from([Act.EXTEND, Act.END, Act.INTERRUPT]), USERS, TIMES)))
def test_whatever_is_done_the_owner_stays_and_the_first_end_counts(
    acts: list[tuple[Act, str, int]],
) -> None:
    one = HELD
    for act, user, now in sorted(acts, key=lambda each: each[2]):
        before = rules.as_of(one, now)
        try:
            one = _done(one, act, user, now)
        except (NotYourReservation, ReservationOver):
            assert user != "ada" or before.state is not State.HELD
            assert act in OF_OWNER
            continue
        assert (one.number, one.node, one.user, one.start) == (6, "tv1", "ada", NOW)
        assert before.state is State.HELD or one == before
        assert (one.state is State.HELD) == (one.ended is None)


def _done(one: Reservation, act: Act, user: str, now: int) -> Reservation:
    match act:
        case Act.EXTEND:
            return rules.extended(one, user, 60, now)
        case Act.END:
            return rules.ended(one, user, now)
        case _:
            return rules.interrupted(one, user, "Needed", now)
