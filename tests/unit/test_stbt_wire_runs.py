"""The body of run_tests, as clients send it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import BadField
from anyrig.engine.pack_tests import PackRun
from anyrig.server.dialects.stbt import wire, wire_runs

SHA = "c2c82cad08114f973e2c36f0bbfbfb0a78dad911"
GOOD = {"node_id": "tv1", "test_pack_revision": "HEAD", "test_cases": ["tests/a.py::test_a"]}


def test_what_stbt_rig_sends_is_understood() -> None:
    body = {
        "remote_control": "x11",
        "category": "refs/snapshots/tester",
        "soak": "run forever",
        "shuffle": True,
        "tags": {"jenkins/BUILD_URL": "http://ci/%20"},
        "node_id": "tv1",
        "test_pack_revision": SHA,
        "test_cases": ["tests/menu.py::test_x", "tests/menu.py::test_x"],
    }
    assert wire_runs.pack_run(body) == PackRun(
        node="tv1",
        revision=SHA,
        tests=("tests/menu.py::test_x", "tests/menu.py::test_x"),
        category="refs/snapshots/tester",
        tags={"jenkins/BUILD_URL": "http://ci/%20"},
        remote_control="x11",
        forever=True,
        shuffle=True,
    )


def test_the_rest_has_defaults_and_null_counts_as_missing() -> None:
    plain = wire_runs.pack_run(GOOD)
    optional = ("category", "tags", "remote_control", "soak", "shuffle", "project")
    assert wire_runs.pack_run(GOOD | dict.fromkeys(optional)) == plain
    assert (plain.category, plain.tags, plain.remote_control) == ("default", {}, "")
    assert (plain.forever, plain.shuffle, plain.project) == (False, False, None)
    assert wire_runs.pack_run(GOOD | {"soak": "run once", "shuffle": False, "new": 1}) == plain
    assert wire_runs.pack_run(GOOD | {"project": "tv"}).project == "tv"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"node_id": None}, "node_id"),
        ({"node_id": ""}, "node_id"),
        ({"node_id": 7}, "node_id"),
        ({"node_id": "\0"}, "node_id"),
        ({"test_pack_revision": None}, "test_pack_revision"),
        ({"test_pack_revision": "\ud800"}, "test_pack_revision"),
        ({"test_cases": None}, "test_cases"),
        ({"test_cases": []}, "test_cases"),
        ({"test_cases": "tests/a.py::test_a"}, "test_cases"),
        ({"test_cases": [1]}, "test_cases"),
        ({"category": ""}, "category"),
        ({"category": "a:b"}, "category"),
        ({"category": 1}, "category"),
        ({"soak": "run twice"}, "soak"),
        ({"soak": []}, "soak"),
        ({"shuffle": "true"}, "shuffle"),
        ({"shuffle": 1}, "shuffle"),
        ({"tags": ["a"]}, "tags"),
        ({"tags": {"a=b": "c"}}, "tags"),
        ({"remote_control": ["roku"]}, "remote_control"),
        ({"project": 1}, "project"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_key(changes: Any, field: str) -> None:
    with pytest.raises(BadField) as refused:
        wire_runs.pack_run(GOOD | changes)
    assert refused.value.fields["field"] == field


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "category", "soak", "shuffle", "tags", "remote_control", "project"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.just({}),
    )
)
def test_any_object_is_understood_or_refused(body: Any) -> None:
    try:
        wire_runs.pack_run(GOOD | body)
    except BadField as error:
        wire.sentence_of(error)
