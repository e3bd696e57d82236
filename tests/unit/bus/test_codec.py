"""Messages to bytes and back."""

from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.bus.codec import EVENTS, decode, decode_with_objects, encode, encode_with_objects
from anyrig.core import messages
from anyrig.core.build_records import Channel, Level
from anyrig.core.errors import Invalid
from anyrig.core.results import Verdict

ARTIFACT = messages.Artifact("log/a.png", 3, "md5", "sha")
STARTED = messages.CaseStarted(seq=0, test="tests/a.py::test_b", at=5, log_offset=9)
FINISHED = messages.CaseFinished(
    seq=0,
    test="t",
    start=5,
    end=6,
    verdict=Verdict.FAIL,
    reason="ünlucky",
    traceback=None,
    artifacts=(ARTIFACT,),
)
SAID = messages.Noted(number=0, at=1, channel=Channel.RUN, level=Level.INFO, message="Completed 1/1")
OVER = messages.TaskFinished(results=1, stopped=True, log=ARTIFACT)
SPEC = messages.TaskSpec(
    task=1,
    job_uid="/tv1/0001/1",
    task_index=0,
    node="tv1",
    kind="python",
    project="tv",
    user="ada",
    pack_url="/git/tv.git",
    sha="0" * 40,
    tests=("a", "b"),
    done=0,
    forever=False,
    shuffle=True,
    category="nightly",
    remote_control="default",
    tags={"a": "1", "b": None},
    params={"nested": {"list": [1, 2.5, None, "x"]}},
)
MESSAGES = [
    messages.Dispatch(1, 2),
    messages.AcceptRequest(1, "tv1", "boot"),
    messages.AcceptReply(go=True, attempt=2, now=3, spec=SPEC),
    messages.AcceptReply(go=False, why="it is stopped"),
    messages.EventBatch(1, 2, "tv1", (STARTED, SAID, FINISHED, OVER)),
    messages.EventBatch(1, 2, "tv1", ()),
    messages.Presence("boot", "0.1", "agent", "10.0.0.1", ((1, 2), (3, 4))),
    messages.StopRequest(1, 2, grace=0.5),
    messages.Hello("tv1", "boot", ((1, 2),)),
    messages.HelloReply(drop=(1,), stop=(2,)),
    messages.StopReply(stopped=True),
]
KINDS = sorted({type(message) for message in MESSAGES}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was(message: Any) -> None:
    assert decode(type(message), encode(message)) == message


def test_every_event_has_a_name_on_the_wire() -> None:
    assert set(EVENTS.values()) == set(get_args(messages.Event))


def test_small_objects_travel_with_the_events_that_speak_of_them() -> None:
    batch = messages.EventBatch(1, 2, "tv1", (STARTED, SAID, FINISHED, OVER))
    objects = [("ab" * 32, "cd" * 16, b"\0\xff log"), ("ef" * 32, "01" * 16, b"")]
    assert decode_with_objects(encode_with_objects(batch, objects)) == (batch, objects)
    for garbage in (b"", b"\xc1", b"{}", encode(batch), encode_with_objects(batch, objects)[:-1]):
        with pytest.raises(Invalid):
            decode_with_objects(garbage)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"task": "one", "tasks": "none", "drop": 1, "go": 1}',
    ],
)
def test_garbage_is_invalid(kind: type, garbage: bytes) -> None:
    with pytest.raises(Invalid, match=f"no {kind.__name__}"):
        decode(kind, garbage)


@pytest.mark.parametrize(
    "event", ["[]", '["exploded",{}]', '["case_started",{}]', '["case_started"]', "{}", "1"]
)
def test_an_event_that_is_none_is_invalid(event: str) -> None:
    with pytest.raises(Invalid, match="no EventBatch"):
        decode(messages.EventBatch, f'{{"task":1,"attempt":1,"node":"n","events":[{event}]}}'.encode())


def test_deep_garbage_in_a_free_field_is_invalid() -> None:
    deep = encode(SPEC).replace(b'"params":{', b'"params":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b",")
    with pytest.raises(Invalid):
        decode(messages.TaskSpec, deep)


@given(st.binary(), st.sampled_from(KINDS))
def test_no_bytes_do_any_harm(data: bytes, kind: type) -> None:
    with suppress(Invalid):
        assert isinstance(decode(kind, data), kind)


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert decode(messages.StopReply, b'{"stopped":true,"later":1}') == messages.StopReply(stopped=True)
