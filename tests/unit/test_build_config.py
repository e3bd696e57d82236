"""What the app file of a build may say, and what is said of one that makes no sense."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from anyrig.core.build_records import Level
from anyrig.core.builds import (
    LONGEST_TIMEOUT,
    MOST_ACTIONS,
    Action,
    BadBuild,
    BuildConfig,
    Critical,
    Provider,
    checked_listen_point,
    read_config,
)
from anyrig.core.extensions.base import BadExtension, Extension
from anyrig.core.extensions.webhooks import Posts

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.builds(Critical, st.text()),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), each, max_size=3)
    ),
    max_leaves=6,
)
KEYS = (
    *("id", "name", "listen_point", "project", "actions", "params", "provider", "work_dir", "exec_timeout"),
    *("stop_on_first_fail", "raw_params", "trigger_by_get", "redirect_hosts", "secret_params", "node"),
    *("labels", "extensions"),
)


def config(**fields: Any) -> BuildConfig:
    return read_config({"id": "shop"} | fields)


def refusal(given: object) -> str:
    with pytest.raises(BadBuild) as refused:
        read_config(given)
    return str(refused.value)


class TestKeys:
    def test_a_name_is_enough(self) -> None:
        assert read_config({"id": "shop"}) == BuildConfig(
            listen_point="shop",
            project="builds",
            actions=(),
            params={},
            provider=None,
            work_dir=".",
            exec_timeout=None,
            stop_on_first_fail=False,
            raw_params=False,
            trigger_by_get=False,
            redirect_hosts=(),
            secrets=frozenset(),
            nodes=(None, ()),
            extensions=(),
        )

    def test_keys_without_a_value_are_as_good_as_none(self) -> None:
        assert read_config(dict.fromkeys(KEYS) | {"id": "shop"}) == config()

    def test_every_key_is_read(self) -> None:
        found = config(
            project="web-1",
            actions=["echo {branch}", Critical("make"), "true"],
            params={"branch": "main", "n": 1},
            provider={"github": {"owner": "ada"}},
            work_dir="~/shop",
            exec_timeout=5,
            stop_on_first_fail=True,
            raw_params=True,
            trigger_by_get=True,
            redirect_hosts=["ci.example.com"],
            secret_params=["pin"],
            labels=["linux", "fast"],
            extensions={"tell": {"module": "webhooks", "url": "http://example.com/"}},
        )
        assert found == BuildConfig(
            listen_point="shop",
            project="web-1",
            actions=(Action("echo {branch}"), Action("make", critical=True), Action("true")),
            params={"branch": "main", "n": 1},
            provider=Provider("github", {"owner": "ada"}),
            work_dir="~/shop",
            exec_timeout=5.0,
            stop_on_first_fail=True,
            raw_params=True,
            trigger_by_get=True,
            redirect_hosts=("ci.example.com",),
            secrets=frozenset({"pin"}),
            nodes=(None, ("linux", "fast")),
            extensions=(Extension("tell", "webhooks", Posts("http://example.com/", Level.WARNING, None)),),
        )

    def test_a_single_text_is_a_list_of_one(self) -> None:
        found = config(redirect_hosts="ci.example.com", secret_params="pin", labels="linux")
        assert (found.redirect_hosts, found.secrets, found.nodes) == (
            ("ci.example.com",),
            frozenset({"pin"}),
            (None, ("linux",)),
        )

    def test_a_build_may_want_one_node(self) -> None:
        assert config(node="tv1").nodes == ("tv1", ())

    def test_unknown_keys_are_ignored(self) -> None:
        assert config(env={"A": "b"}, network_timeout=5, **{"": []}) == config()

    def test_the_name_is_the_first_of_three_keys_that_is_not_empty(self) -> None:
        assert read_config({"listen_point": "c", "name": "b", "id": "a"}).listen_point == "a"
        assert read_config({"listen_point": "c", "name": "b", "id": ""}).listen_point == "b"
        assert read_config({"listen_point": "c", "name": None}).listen_point == "c"

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            (True, "'bool' object has no attribute 'format_map'"),
            (5, "'int' object has no attribute 'format_map'"),
            ({"echo": "hi"}, "'dict' object has no attribute 'format_map'"),
            (None, "'NoneType' object has no attribute 'format_map'"),
        ],
    )
    def test_an_action_that_is_no_text_can_never_run(self, value: object, told: str) -> None:
        (action,) = config(actions=[value]).actions
        assert (action.broken, action.critical) == (told, False)

    def test_a_build_has_up_to_a_thousand_actions(self) -> None:
        assert len(config(actions=["a"] * MOST_ACTIONS).actions) == MOST_ACTIONS == 1000

    def test_of_several_providers_the_last_counts(self) -> None:
        assert config(provider={"github": {"owner": "a"}, "gitlab": None}).provider == Provider("gitlab", {})

    @pytest.mark.parametrize("number", [0.001, 1, 5.5, LONGEST_TIMEOUT])
    def test_an_action_may_have_so_many_seconds(self, number: float) -> None:
        timeout = config(exec_timeout=number).exec_timeout
        assert timeout == number
        assert isinstance(timeout, float)

    @pytest.mark.parametrize("value", [1, True])
    def test_one_is_true(self, value: object) -> None:
        assert config(stop_on_first_fail=value).stop_on_first_fail is True

    def test_what_is_read_does_not_change_with_what_was_given(self) -> None:
        params: dict[str, Any] = {"a": "b"}
        options: dict[str, Any] = {"repo": "r"}
        found = config(params=params, provider={"gitlab": options})
        params["a"], options["repo"] = "c", "s"
        assert found.params == {"a": "b"}
        assert found.provider == Provider("gitlab", {"repo": "r"})


class TestRefusals:
    @pytest.mark.parametrize("given", [None, "text", 5, ["id"], Critical("x")])
    def test_a_config_is_a_map(self, given: object) -> None:
        assert refusal(given) == f'"{given}" is not a valid config string'

    @pytest.mark.parametrize("given", [{}, {"id": None}, {"id": "", "name": [], "listen_point": 0}])
    def test_a_config_has_a_name(self, given: dict[str, Any]) -> None:
        assert refusal(given) == "The \"'id'\" param is missing in the config"

    @pytest.mark.parametrize("name", [123, True, ["a"], {"a": "b"}, 1.5, Critical("x")])
    def test_a_name_is_a_text(self, name: object) -> None:
        assert refusal({"id": name}) == f'"{name}" is not a valid config string'

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"project": "a b"}, "project is not 1 to 63 letters, digits, '-' or '_': 'a b'"),
            ({"project": "x" * 64}, f"project is not 1 to 63 letters, digits, '-' or '_': '{'x' * 60}'"),
            ({"project": "-a"}, "project is not 1 to 63 letters, digits, '-' or '_': '-a'"),
            ({"project": "a\n"}, "project is not 1 to 63 letters, digits, '-' or '_': 'a '"),
            ({"project": ""}, "project is not a text"),
            ({"project": 5}, "project is not a text"),
            ({"actions": "true"}, f"actions is not a list of at most {MOST_ACTIONS} commands"),
            ({"actions": {"a": "b"}}, f"actions is not a list of at most {MOST_ACTIONS} commands"),
            (
                {"actions": ["a"] * (MOST_ACTIONS + 1)},
                f"actions is not a list of at most {MOST_ACTIONS} commands",
            ),
            ({"params": ["a"]}, "params is not a map of names and values"),
            ({"params": "a=b"}, "params is not a map of names and values"),
            ({"params": {1: "a"}}, "params: '1' cannot be the name of a placeholder"),
            ({"params": {"": "a"}}, "params: '' cannot be the name of a placeholder"),
            ({"params": {"a b": "a"}}, "params: 'a b' cannot be the name of a placeholder"),
            ({"params": {"a{b": "a"}}, "params: 'a{b' cannot be the name of a placeholder"),
            ({"params": {"a!r": "a"}}, "params: 'a!r' cannot be the name of a placeholder"),
            ({"params": {"a:5": "a"}}, "params: 'a:5' cannot be the name of a placeholder"),
            ({"provider": "github"}, "provider is not a map of a provider's name and its options"),
            ({"provider": {}}, "provider is not a map of a provider's name and its options"),
            ({"provider": {"github": ["a"]}}, "The options of the provider github are not a map"),
            ({"work_dir": ""}, "work_dir is not a text"),
            ({"work_dir": "a\0b"}, "work_dir is not a text"),
            ({"work_dir": ["/tmp"]}, "work_dir is not a text"),
            *(
                ({"exec_timeout": wrong}, "exec_timeout is not a number of seconds above zero")
                for wrong in (0, -1, "5", True, float("inf"), float("nan"), 10**400, [5])
            ),
            *(
                ({flag: wrong}, f"{flag} is neither true nor false")
                for flag in ("stop_on_first_fail", "raw_params", "trigger_by_get")
                for wrong in ("yes", 2, [True], {"a": 1}, "")
            ),
            *(
                ({name: wrong}, f"{name} is not a list of texts")
                for name in ("redirect_hosts", "secret_params", "labels")
                for wrong in (5, {"a": "b"}, ["a", 5], ["a", ""], "", True)
            ),
            ({"node": ""}, "node is not a text"),
            ({"node": 5}, "node is not a text"),
            ({"node": "tv1", "labels": ["a"]}, "A node is named already; give node or labels"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_a_sentence(
        self, fields: dict[str, Any], sentence: str
    ) -> None:
        assert refusal({"id": "shop"} | fields) == sentence

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (["a"], "extensions is not a map of names and options"),
            ({"e": None}, "Could not load extension e: its module is not named"),
            ({"e": {"module": 5}}, "Could not load extension e: its module is not named"),
            ({"e": {"module": "webhooks"}}, "Could not load extension e: url is missing"),
        ],
    )
    def test_nothing_runs_without_the_extension_that_it_asks_for(self, given: object, sentence: str) -> None:
        with pytest.raises(BadExtension) as refused:
            config(extensions=given)
        assert str(refused.value) == sentence

    def test_sentences_quote_no_more_than_a_line(self) -> None:
        long = "x" * 100_000
        for given in ([long], {"id": [long]}, {"id": long}, {"id": f"api/{long[:150]}"}):
            assert len(refusal(given)) < 200
        for fields in ({"project": long}, {"params": {f"{long}:": 1}}):
            assert len(refusal({"id": "shop"} | fields)) < 200

    @hypothesis.given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6))
    def test_anything_is_read_or_refused(self, fields: dict[str, Any]) -> None:
        try:
            found = read_config({"id": "shop"} | fields)
        except (BadBuild, BadExtension):
            return
        assert found.listen_point == checked_listen_point(found.listen_point)


class TestSecrets:
    @pytest.mark.parametrize(
        "param",
        [
            "password",
            "DB_PASSWD",
            "my-secret",
            "apikey",
            "API_KEY",
            "token",
            "private_key",
            "credentials",
            "pin",
        ],
    )
    def test_params_whose_names_say_so_are_secret_and_those_that_are_named(self, param: str) -> None:
        assert config(secret_params=["pin"]).is_secret(param)

    @pytest.mark.parametrize("param", ["branch", "key", "PIN", "pinned", "keyboard"])
    def test_others_are_not(self, param: str) -> None:
        assert not config(secret_params=["pin"]).is_secret(param)
