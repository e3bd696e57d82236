"""Our words as clients of Sloth CI read them, and theirs as ours."""

import json
import pkgutil
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anyrig.core
import anyrig.engine
from anyrig.core import errors
from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BadBuild
from anyrig.core.errors import AnyrigError, BadField, Conflict, Forbidden, Invalid, NotFound, Unavailable
from anyrig.core.extensions.base import BadExtension
from anyrig.engine.build_runs import QueueFull
from anyrig.engine.builds import ListenPointTaken
from anyrig.server.dialects.sloth import wire

AT = 1_446_414_114_791_111


def kinds(of: type[AnyrigError] = AnyrigError) -> list[type[AnyrigError]]:
    """Every error that the core and the engine have."""
    for package in (anyrig.core, anyrig.engine):
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    return [of, *(each for kind in of.__subclasses__() for each in kinds(kind))]


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "status", "sentence"),
        [
            (errors.Unauthenticated(), 401, "The access token is missing or not valid."),
            (
                Forbidden(user="ada", role="viewer", action="stop the server"),
                403,
                "ada (role viewer) is not allowed to stop the server.",
            ),
            (NotFound(what="build", name="shop"), 404, "Listen point 'shop' not found"),
            (NotFound(what="node", name="tv1"), 404, "There is no node 'tv1'."),
            (wire.Unknown(name="dance"), 404, "Action 'dance' not found"),
            (ListenPointTaken(name="shop"), 409, "Listen point shop is taken"),
            (Conflict(reason="it is so"), 409, "The request conflicts with the present state: it is so."),
            (errors.TooManyRequests(seconds=2.4), 429, "Too many requests; wait 2 s and try again."),
            (QueueFull(reason="7 runs wait"), 429, "7 runs wait"),
            (wire.Missing(name="config_string"), 400, "Missing parameter config_string"),
            (wire.Missing(name='"listen_point"'), 400, 'Missing parameter "listen_point"'),
            (BadField(field="user", reason="x"), 400, "The field 'user' is not valid: x."),
            (Invalid(reason="x"), 400, "The request is not valid: x."),
            (wire.BadPaging(reason="x"), 500, "Failed to get app logs: x"),
            (
                BadBuild(reason="The \"'id'\" param is missing in the config"),
                500,
                "The \"'id'\" param is missing in the config",
            ),
            (
                BadBuild(reason='"123" is not a valid config string'),
                500,
                '"123" is not a valid config string',
            ),
            (BadBuild(reason="Failed to create app: no YAML"), 500, "Failed to create app: no YAML"),
            (BadBuild(reason="No matching validator found: svn"), 500, "No matching validator found: svn"),
            (BadBuild(reason="node is not a text"), 500, "Failed to create app: node is not a text"),
            (BadExtension(reason="Could not load x"), 500, "Failed to create app: Could not load x"),
            (Unavailable(what="The server", reason="so"), 503, "The server is not available right now: so."),
            (AnyrigError(), 503, "Something went wrong."),
        ],
    )
    def test_each_kind_of_error_is_said_as_clients_know_it(
        self, error: AnyrigError, status: int, sentence: str
    ) -> None:
        assert wire.status_of(error) == status
        assert wire.sentence_of(error) == sentence

    def test_every_error_there_is_has_a_status_of_a_failure(self) -> None:
        every = kinds()
        assert len(every) > 30
        for kind in every:
            assert 400 <= wire.status_of(kind.__new__(kind)) < 600, kind

    def test_a_sentence_is_clipped_however_much_it_quotes(self) -> None:
        for error in (
            wire.BadPaging(reason="x" * 100_000),
            NotFound(what="build", name="x" * 100_000),
            BadBuild(reason="x" * 100_000),
            Invalid(reason="x" * 100_000),
        ):
            said = wire.sentence_of(error)
            assert len(said) == 1000
            assert said.endswith("x…")
        name = "x" * (1000 - len("Action '' not found"))
        assert wire.sentence_of(wire.Unknown(name=name)) == f"Action '{name}' not found"

    def test_headers_tell_how_to_go_on(self) -> None:
        assert wire.headers_of(errors.Unauthenticated()) == {
            "www-authenticate": 'Basic realm="sloth-ci", charset="UTF-8"'
        }
        assert wire.headers_of(NotFound(what="build", name="x")) == {}

    @pytest.mark.parametrize(
        ("seconds", "told"), [(1, "1"), (2.0, "2"), (2.3, "3"), (0.1, "1"), (119.9, "120")]
    )
    def test_nobody_is_told_to_come_back_too_early(self, seconds: float, told: str) -> None:
        assert wire.headers_of(errors.TooManyRequests(seconds=seconds)) == {"retry-after": told}

    def test_who_waits_for_a_queue_may_come_back_soon(self) -> None:
        assert wire.headers_of(QueueFull(reason="7 runs wait")) == {"retry-after": "1"}


class TestAnswers:
    def test_json_is_as_python_writes_it(self) -> None:
        assert wire.json_bytes("test") == b'"test"'
        assert wire.json_bytes(None) == b"null"
        assert wire.json_bytes(["a", {"b": 1}]) == b'["a", {"b": 1}]'
        assert wire.json_bytes("gr\xfc\xdfe") == b'"gr\\u00fc\\u00dfe"'

    def test_records_have_the_names_of_their_loggers(self) -> None:
        records = [
            Record(AT, Channel.RUN, Level.INFO, "Completed 2/2"),
            Record(AT - 1, Channel.ACTIONS, Level.DEBUG, "stdout: hi\n"),
            Record(0, Channel.TEST, Level.CRITICAL, "é"),
        ]
        assert wire.records_json("a/b.c", records) == [
            {
                "timestamp": 1446414114.791111,
                "logger_name": "a/b.c.build",
                "level_name": "INFO",
                "level_number": 20,
                "message": "Completed 2/2",
            },
            {
                "timestamp": 1446414114.79111,
                "logger_name": "a/b.c.exec",
                "level_name": "DEBUG",
                "level_number": 10,
                "message": "stdout: hi\n",
            },
            {
                "timestamp": 0.0,
                "logger_name": "a/b.c",
                "level_name": "CRITICAL",
                "level_number": 50,
                "message": "é",
            },
        ]
        assert wire.records_json("a", []) == []

    @given(st.sampled_from(Channel), st.sampled_from(Level), st.integers(0, 2**52), st.text())
    def test_every_record_is_json(self, channel: Channel, level: Level, at: int, message: str) -> None:
        (shown,) = wire.records_json("shop", [Record(at, channel, level, message)])
        assert json.loads(wire.json_bytes(shown)) == shown
        assert type(shown["level_number"]) is int

    def test_a_build_that_was_never_triggered_says_so(self) -> None:
        assert wire.info_json(None, None) == {
            "config_file": "",
            "last_build_status_message": "Never triggered",
            "last_build_status_level": "Never triggered",
            "last_build_timestamp": 0,
        }

    def test_a_build_says_how_it_stands(self) -> None:
        last = Record(AT, Channel.RUN, Level.WARNING, "Partially completed: 1/2")
        assert wire.info_json("/srv/shop.yml", last) == {
            "config_file": "/srv/shop.yml",
            "last_build_status_message": "Partially completed: 1/2",
            "last_build_status_level": "WARNING",
            "last_build_timestamp": 1446414114.791111,
        }


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "number"),
        [("1", 1), ("-5", -5), ("0", 0), (" 7 ", 7), ("2147483647", 2**31 - 1), ("-2147483647", 1 - 2**31)],
    )
    def test_numbers_are_read_as_python_reads_them(self, text: str, number: int) -> None:
        assert wire.whole(text) == number

    @pytest.mark.parametrize("text", ["", "x", "1.5", "0x10", "1 2", "\0"])
    def test_what_is_no_number_is_refused_in_pythons_words(self, text: str) -> None:
        with pytest.raises(wire.BadPaging) as refused:
            wire.whole(text)
        shown = " ".join(repr(text).split())
        said = f"Failed to get app logs: invalid literal for int() with base 10: {shown}"
        assert str(refused.value) == said

    @pytest.mark.parametrize("text", ["2147483648", "-2147483648", "9" * 30, "9" * 5000])
    def test_what_no_database_takes_is_refused(self, text: str) -> None:
        with pytest.raises(wire.BadPaging):
            wire.whole(text)

    @pytest.mark.parametrize(
        ("text", "level"),
        [("10", 10), ("20", 20), ("INFO", 20), ("warning", 30), ("Error", 40), ("critical", 50), ("25", 25)],
    )
    def test_a_level_is_a_number_or_a_name(self, text: str, level: int) -> None:
        assert wire.level_of(text) == level

    @pytest.mark.parametrize("text", ["loud", "", "INFO "])
    def test_other_levels_are_refused(self, text: str) -> None:
        with pytest.raises(wire.BadPaging):
            wire.level_of(text)

    @given(st.text(max_size=12))
    def test_any_text_is_a_level_or_refused(self, text: str) -> None:
        try:
            level = wire.level_of(text)
        except wire.BadPaging:
            return
        assert -(2**31) < level < 2**31
