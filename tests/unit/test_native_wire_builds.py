"""Builds in the native API's JSON."""

import msgspec
import pytest
from starlette.requests import Request

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BuildConfig, Provider
from anyrig.core.errors import BadField, Invalid
from anyrig.engine.build_runs import QueueFull
from anyrig.engine.build_views import RecordsPage, Seen
from anyrig.engine.known_builds import Build
from anyrig.server.dialects.native import problems, wire_builds
from anyrig.storage.sql.build_views import Said, Standing
from anyrig.storage.sql.builds import Kept

BASE = "http://lab:8000"
TIME = 1_539_177_200_000_001
MOMENT = "2018-10-10T13:13:20.000001Z"
CONFIG = BuildConfig("team/dö", "shop", provider=Provider("github", {"secret": "hush"}))
KEPT = Kept(3, "team/dö", "shop", 3, b"sealed", "/srv/dö.yml", TIME, "ada")
BUILD = Build(KEPT, CONFIG, "id: team/dö\nparams: {password: hunter2}\n")
END = Record(TIME, Channel.RUN, Level.WARNING, "Partially completed: 1/2")


def test_a_build_tells_where_it_listens_and_how_it_stands() -> None:
    seen = Seen(BUILD, Standing(END, 2))
    told = msgspec.json.decode(msgspec.json.encode(wire_builds.build(seen, BASE)))
    assert told == {
        "name": "team/dö",
        "test": "build:team/dö",
        "project": "shop",
        "url": "http://lab:8000/team/d%C3%B6",
        "provider": "github",
        "config_file": "/srv/dö.yml",
        "created": MOMENT,
        "created_by": "ada",
        "waiting": 2,
        "last_end": {"level": "warning", "message": "Partially completed: 1/2", "at": MOMENT},
    }


def test_what_there_is_not_is_null() -> None:
    bare = Build(KEPT, BuildConfig("team/dö", "shop"), "id: team/dö")
    [told] = wire_builds.builds([Seen(bare)], BASE).builds
    assert (told.provider, told.last_end, told.waiting) == (None, None, 0)


def test_nothing_of_an_app_file_is_told_with_a_build() -> None:
    told = msgspec.json.encode(wire_builds.build(Seen(BUILD), BASE))
    assert b"hunter2" not in told
    assert b"hush" not in told


def test_records_tell_what_was_said_by_which_job() -> None:
    page = RecordsPage([Said((TIME, 9), END, 12), Said((TIME, 8), END, None)], (TIME, 8))
    told = wire_builds.records(page, "next")
    assert msgspec.to_builtins(told.records[0]) == {
        "at": MOMENT,
        "channel": "run",
        "level": "warning",
        "message": "Partially completed: 1/2",
        "job": 12,
    }
    assert (told.records[1].job, told.next) == (None, "next")


@pytest.mark.parametrize("level", list(Level))
def test_every_level_has_a_name_that_leads_back_to_it(level: Level) -> None:
    assert wire_builds.level(wire_builds.level_name(level)) is level


def test_the_app_file_of_a_new_build_is_a_text() -> None:
    assert wire_builds.config(b'{"config": "id: a\\nactions: []"}') == "id: a\nactions: []"


@pytest.mark.parametrize(
    ("body", "field"), [(b"{}", "body"), (b'{"config": {}}', "config"), (b'{"config": "", "x": 1}', "body")]
)
def test_a_body_of_another_shape_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(BadField) as refused:
        wire_builds.config(body)
    assert refused.value.fields["field"] == field


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(Invalid, match="not JSON"):
        wire_builds.config(b"id: a")


async def test_a_full_queue_is_a_reason_to_come_back_later() -> None:
    refusal = await problems.refused(Request({"type": "http"}), QueueFull(reason="10000 runs of x wait"))
    assert (refusal.status_code, refusal.headers["retry-after"]) == (429, "1")
    assert msgspec.json.decode(refusal.body)["detail"] == "10000 runs of x wait"
