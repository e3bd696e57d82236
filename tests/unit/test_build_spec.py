"""What a node is told of a run: all of it, and what is secret apart."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.build_spec import BuildSpec, Source, Value, heard, spec_of, told, values_of
from anyrig.core.builds import Action, BuildConfig, read_config
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.extensions.ssh_exec import Host, Ssh

NONE: frozenset[str] = frozenset()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
    max_leaves=5,
)
"""What YAML and JSON both have."""
OPTIONAL = st.none() | TEXT
SSH = st.builds(
    Ssh,
    hosts=st.lists(st.builds(Host, TEXT, st.integers(1, 65_535)), min_size=1, max_size=3).map(tuple),
    username=OPTIONAL,
    password=OPTIONAL.filter(lambda password: password != ""),
    keys=st.lists(TEXT, max_size=2).map(tuple),
    auto_add_unknown_hosts=st.booleans(),
)
DOCKER = st.builds(
    Docker,
    image=TEXT,
    base_url=OPTIONAL,
    path_to_dockerfile=OPTIONAL,
    memory_limit=OPTIONAL,
    cpu_share=st.none() | st.integers(1, 1000),
)
VALUES = st.dictionaries(TEXT, st.builds(Value, st.sampled_from(Source), PLAIN), max_size=4)
SPEC = st.builds(
    BuildSpec,
    actions=st.lists(st.builds(Action, TEXT, st.booleans(), TEXT), max_size=3).map(tuple),
    values=VALUES,
    work_dir=TEXT,
    exec_timeout=st.none() | st.floats(0.1, 1e9),
    stop_on_first_fail=st.booleans(),
    raw_params=st.booleans(),
    elsewhere=st.none() | SSH | DOCKER,
)
BROAD = Ssh((Host("a"), Host("b", 2222)), "ada", "hunter2", ("~/.ssh/id",), auto_add_unknown_hosts=True)


def over_the_wire(spec: BuildSpec, secret: frozenset[str] = NONE) -> BuildSpec:
    """As it comes to the node: through JSON."""
    params, secrets = msgspec.json.decode(msgspec.json.encode(told(spec, secret)))
    return heard(params, secrets)


def shown(value: object) -> str:
    """As it stands in a command."""
    return f"{value}"


def config(**fields: Any) -> BuildConfig:
    return read_config({"id": "shop", "actions": ["true"]} | fields)


@given(SPEC)
def test_a_node_hears_what_was_told(spec: BuildSpec) -> None:
    assert over_the_wire(spec) == spec


@given(SPEC, st.data())
def test_secrets_arrive_as_the_texts_that_stand_in_commands(spec: BuildSpec, data: st.DataObject) -> None:
    names = sorted(spec.values)
    secret = frozenset(data.draw(st.sets(st.sampled_from(names)))) if names else NONE
    arrived = over_the_wire(spec, secret | {"not there"})
    assert replace(arrived, values=spec.values) == spec
    assert list(arrived.values) == list(spec.values)
    for name, value in arrived.values.items():
        assert value.source is spec.values[name].source
        if name in secret and spec.values[name].value is not None:
            assert value.value == shown(spec.values[name].value)
        else:
            assert value == spec.values[name]


@pytest.mark.parametrize(
    "value", ["hunter2", ["hunter2", "x"], {"a": "hunter2"}, "", 4711, 47.11, True, date(2024, 2, 1)]
)
def test_a_secret_is_nowhere_among_the_params(value: object) -> None:
    spec = BuildSpec(
        (Action("echo {pin}"),), {"pin": Value(Source.CONFIG, value), "n": Value(Source.CONFIG, 1)}
    )
    params, secrets = told(spec, frozenset({"pin"}))
    assert params["values"] == {"pin": ["config", None], "n": ["config", 1]}
    assert list(secrets.values()) == [shown(value)]
    assert heard(params, secrets).values["pin"] == Value(Source.CONFIG, shown(value))


def test_a_secret_without_a_value_hides_nothing() -> None:
    """Else the word "None" would be hidden in all that the run says."""
    spec = BuildSpec((), {"password": Value(Source.CONFIG, None)})
    params, secrets = told(spec, frozenset({"password"}))
    assert secrets == {}
    assert heard(params, secrets) == spec


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        date(2024, 2, 1),
        datetime(2024, 2, 1, 12, 30, tzinfo=UTC),
        b"bytes",
        {"a"},
        ("a", "b"),
        10**60,
    ],
)
def test_what_json_does_not_have_stands_in_commands_as_it_would_have(value: object) -> None:
    spec = BuildSpec((), {"x": Value(Source.CONFIG, value), "y": Value(Source.CONFIG, [value])})
    arrived = over_the_wire(spec)
    assert shown(arrived.values["x"].value) == shown(value)
    assert [shown(each) for each in arrived.values["y"].value] == [shown(value)]


@pytest.mark.parametrize("key", [None, True, 1, 1.5, date(2024, 2, 1)])
def test_keys_of_maps_arrive_as_texts(key: object) -> None:
    arrived = over_the_wire(BuildSpec((), {"x": Value(Source.CONFIG, {key: "a"})}))
    assert arrived.values["x"].value == {shown(key): "a"}


class TestElsewhere:
    def test_the_password_of_other_machines_is_a_secret(self) -> None:
        params, secrets = told(BuildSpec((), elsewhere=BROAD), NONE)
        assert "hunter2" not in msgspec.json.encode(params).decode()
        assert list(secrets.values()) == ["hunter2"]
        assert heard(params, secrets).elsewhere == BROAD

    def test_a_param_cannot_pass_for_that_password(self) -> None:
        for name in ("ssh password", "password", "param ssh password"):
            spec = BuildSpec((), {name: Value(Source.TRIGGER, "mine")}, elsewhere=BROAD)
            arrived = over_the_wire(spec, frozenset({name}))
            assert arrived == spec
            without = replace(spec, elsewhere=replace(BROAD, password=None))
            assert over_the_wire(without, frozenset({name})) == without

    def test_it_is_what_the_last_of_the_extensions_says(self) -> None:
        ssh = {"module": "ssh_exec", "hosts": ["a"]}
        docker = {"module": "docker_exec", "image": "debian"}
        mail = {"module": "notifications", "emails": "a@b", "mail_host": "mx"}
        assert spec_of(config(), {}).elsewhere is None
        assert spec_of(config(extensions={"m": mail}), {}).elsewhere is None
        assert spec_of(config(extensions={"s": ssh, "m": mail}), {}).elsewhere == Ssh(
            (Host("a"),), None, None, (), auto_add_unknown_hosts=False
        )
        assert spec_of(config(extensions={"s": ssh, "d": docker}), {}).elsewhere == Docker(
            "debian", None, None, None, None
        )


class TestValues:
    def test_a_given_value_outweighs_the_configs_and_says_where_it_is_from(self) -> None:
        own = config(params={"branch": "main", "level": 1})
        for source in (Source.TRIGGER, Source.WEBHOOK):
            given = {"branch": Value(source, "fix"), "more": Value(source, ["a", "b"])}
            assert values_of(own, given) == {
                "branch": Value(source, "fix"),
                "level": Value(Source.CONFIG, 1),
                "more": Value(source, ["a", "b"]),
            }

    def test_without_given_values_those_of_the_config_stand(self) -> None:
        assert values_of(config(params={"a": "b"}), {}) == {"a": Value(Source.CONFIG, "b")}
        assert values_of(config(), {}) == {}

    @given(VALUES)
    def test_every_given_value_stands(self, given_values: Mapping[str, Value]) -> None:
        found = values_of(config(params={"a": 1}), given_values)
        assert found == {"a": Value(Source.CONFIG, 1)} | dict(given_values)

    def test_the_rest_is_what_the_config_says(self) -> None:
        given_config = config(
            actions=["a", "b"],
            work_dir="/srv",
            exec_timeout=3,
            stop_on_first_fail=True,
            raw_params=True,
        )
        assert spec_of(given_config, {}) == BuildSpec(
            actions=(Action("a"), Action("b")),
            values={},
            work_dir="/srv",
            exec_timeout=3.0,
            stop_on_first_fail=True,
            raw_params=True,
            elsewhere=None,
        )
