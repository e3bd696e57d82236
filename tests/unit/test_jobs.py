"""The life of a task is one table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.jobs import (
    ENDED,
    HOLDS_NODE,
    TABLE,
    Event,
    NotPossible,
    State,
    after,
    as_mermaid,
    can,
    job_state,
    sources,
)

states = st.sampled_from(list(State))
events = st.sampled_from(list(Event))


@given(st.sampled_from(sorted(ENDED)), events)
def test_no_event_leads_out_of_an_end_state(state: State, event: Event) -> None:
    with pytest.raises(NotPossible):
        after(state, event)


@given(st.lists(events, max_size=30))
def test_only_a_placed_task_can_be_accepted_first_and_it_holds_its_node_until_it_ends(
    walk: list[Event],
) -> None:
    state = State.QUEUED
    for event in walk:
        if can(state, event):
            before, state = state, after(state, event)
            if state is State.RUNNING:
                assert before in HOLDS_NODE
            if before in HOLDS_NODE and state not in HOLDS_NODE:
                assert state in ENDED | {State.QUEUED}


def test_every_state_can_be_reached_and_every_live_state_can_end() -> None:
    assert {State.QUEUED} | set(TABLE.values()) == set(State)
    for state in set(State) - ENDED:
        reached, grown = {state}, True
        while grown:
            more = {target for (source, _), target in TABLE.items() if source in reached} - reached
            reached, grown = reached | more, bool(more)
        assert reached & ENDED


@given(events)
def test_the_sources_of_an_event_are_the_states_it_can_happen_in(event: Event) -> None:
    assert set(sources(event)) == {state for state in State if can(state, event)}


@given(st.lists(states, min_size=1, max_size=6))
def test_a_job_is_over_when_all_its_tasks_are(tasks: list[State]) -> None:
    assert (job_state(tasks) in ENDED) == all(state in ENDED for state in tasks)


def test_a_job_with_ended_and_waiting_tasks_is_running() -> None:
    assert job_state([State.FINISHED, State.QUEUED]) is State.RUNNING


def test_a_job_is_lost_only_when_all_its_tasks_were() -> None:
    assert job_state([State.LOST, State.LOST]) is State.LOST
    assert job_state([State.LOST, State.FINISHED]) is State.FINISHED
    assert job_state([State.STOPPED, State.LOST]) is State.STOPPED


def test_the_diagram_shows_every_row_of_the_table() -> None:
    diagram = as_mermaid()
    for (state, event), target in TABLE.items():
        line = next(
            line for line in diagram.splitlines() if line.strip().startswith(f"{state} --> {target}:")
        )
        assert event in line
